import DeviceUpdates
import Fleet
import Synchronization
import Testing

@testable import DeviceAgent
@testable import SimulatedWorld

/// How another version gets into a runtime that runs.
@Suite struct RuntimeReloadTests {
    private let launcher = FakeLauncher()
    private let probe = FakeProbe()
    private let clock = TestClock()
    private let first: Digest
    private let second: Digest

    init() throws {
        first = try #require(Digest(bytes: Array(repeating: 1, count: 32)))
        second = try #require(Digest(bytes: Array(repeating: 2, count: 32)))
        probe.set("/healthz", 200)
    }

    private func keeper(
        _ reload: ReloadMethod, versionPath: String? = nil, health: String = "/healthz"
    ) throws
        -> RuntimeKeeper
    {
        let id = try DeviceID("dev-1")
        let settings = RuntimeSettings(
            command: ["runtime", "{model_dir}"], port: 8123, healthPath: health, reload: reload, startSeconds: 10,
            versionPath: versionPath)
        let services = AgentServices(
            files: MemoryDisk(), controller: FakeController(), verifier: StubTrust(device: id), probe: probe,
            launcher: launcher, clock: clock, chance: EvenChance(), log: TestLog())
        let agent = try Agent(
            settings: AgentSettings(device: id, model: try ModelName("digits"), runtime: settings, agentVersion: "1"),
            services: services)
        return RuntimeKeeper(
            supervisor: agent.supervisor, settings: settings, services: services, counters: agent.counters,
            status: agent.status, layout: agent.layout)
    }

    private func order(_ digest: Digest?, _ keeper: RuntimeKeeper) {
        keeper.supervisor.request(digest)
        pass(0, keeper)
    }

    private func pass(_ seconds: Double, _ keeper: RuntimeKeeper) {
        clock.pause(seconds: seconds)
        keeper.step()
    }

    private func isServing(_ digest: Digest, _ keeper: RuntimeKeeper) -> Bool {
        let now = keeper.supervisor.condition
        return now.serving == digest && now.isHealthy
    }

    private var starts: Int { launcher.state.withLock { $0.commands.count { $0.first == "runtime" } } }
    private var posts: [String] { probe.asked.withLock { $0.filter { $0.contains("/repository/") } } }

    @Test("a model repository loads after the start, for each version, and unloads before the end")
    func repository() throws {
        let (load, unload) = (ReloadMethod.loadPath("digits"), ReloadMethod.unloadPath("digits"))
        let ready = ReloadMethod.readyPath("digits")
        probe.set(ready, 200)
        let keeper = try keeper(.repository("digits"), health: ready)
        order(first, keeper)
        #expect(!isServing(first, keeper), "it is not there yet, and serves nothing before it was told to")
        probe.set(load, 503)
        pass(1, keeper)
        #expect(!isServing(first, keeper))
        probe.set(load, 200)
        pass(1, keeper)
        #expect(isServing(first, keeper))
        probe.asked.withLock { $0 = [] }
        order(second, keeper)
        pass(1, keeper)
        #expect(isServing(second, keeper) && posts == [load] && starts == 1)
        order(nil, keeper)
        #expect(posts == [load, unload])
    }

    @Test("a signal is sent, and the version that answers has to be the new one")
    func signal() throws {
        probe.set("/version", 200, "{\"version\":\"\(first)\"}")
        let keeper = try keeper(.signal(1), versionPath: "/version")
        order(first, keeper)
        pass(1, keeper)
        #expect(isServing(first, keeper))
        order(second, keeper)
        #expect(launcher.state.withLock { $0.signals } == [1])
        pass(2, keeper)
        #expect(!isServing(second, keeper), "the version before still answers")
        probe.set("/version", 200, "{\"version\":\"\(second)\"}")
        pass(1, keeper)
        #expect(isServing(second, keeper) && starts == 1)
    }

    @Test("a health check right after a signal is not believed")
    func signalSettles() throws {
        let keeper = try keeper(.signal(1))
        order(first, keeper)
        pass(1, keeper)
        order(second, keeper)
        pass(0.5, keeper)
        #expect(!isServing(second, keeper))
        pass(1, keeper)
        #expect(isServing(second, keeper))
    }

    @Test("a program loads the version, and one that fails has the runtime restarted", arguments: [Int32(0), 1])
    func command(status: Int32) throws {
        let keeper = try keeper(.command(["load", "{model_dir}", "{port}"]))
        order(first, keeper)
        pass(1, keeper)
        // The processes are numbered: 101 is the runtime, 102 the program.
        launcher.state.withLock { $0.ends[102] = .exited(status) }
        order(second, keeper)
        pass(1, keeper)
        #expect(isServing(second, keeper))
        #expect(launcher.state.withLock { $0.commands[1] } == ["load", "/models/digits/current", "8123"])
        #expect(starts == (status == 0 ? 1 : 2))
    }

    @Test("a program that does not end is ended, and the runtime restarted")
    func endlessCommand() throws {
        let keeper = try keeper(.command(["load"]))
        order(first, keeper)
        pass(1, keeper)
        order(second, keeper)
        #expect(launcher.state.withLock { $0.terminated }.contains(102))
        pass(1, keeper)
        #expect(isServing(second, keeper) && starts == 2)
    }

    // MARK: - What a smoke test allows, and what a failure tells

    @Test(
        "a runtime that holds more memory than the version allows has failed",
        arguments: [
            (UInt64(100), true), (101, false),
        ])
    func memory(heldMebibytes: UInt64, isFine: Bool) throws {
        probe.set("/infer", 200, "{\"y\":2}")
        let text = #"{"memoryBudgetBytes":104857600,"cases":[{"path":"/infer","body":{},"expect":{"y":2}}]}"#
        let golden = try GoldenCases(parsing: Array(text.utf8), manifest: nil)
        let test = SmokeTest(probe: probe, clock: clock, residentBytes: { heldMebibytes << 20 })
        if isFine {
            try test.run(golden)
        } else {
            #expect { try test.run(golden) } throws: { "\($0)".contains("101 MiB where 100 MiB are allowed") }
        }
    }

    @Test("a failure tells the last output of the runtime, as text and within 4 KiB")
    func output() throws {
        #expect(UpdateWorker.text("why", []) == "why")
        #expect(UpdateWorker.text(nil, []) == nil)
        #expect(UpdateWorker.text("why", Array("line\n\u{1B}[1m\"end\"".utf8)) == "why\nlast output:\nline\n?[1m?end?")
        let long = UpdateWorker.text(String(repeating: "w", count: 5000), Array(repeating: 0x61, count: 5000))
        #expect(long?.utf8.count == UpdateWorker.detailLimitBytes)
        #expect(long?.hasSuffix("aaa") == true)
    }
}

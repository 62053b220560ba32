import DeviceUpdates
import Fleet
import Synchronization
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// What the supervisor's thread does in each of its rounds; time passes between them.
@Suite struct RuntimeKeeperTests {
    private let runtime = SimulatedRuntime()
    private let time = DeviceTime(TestTime())
    private let log = TestLog()
    private let agent: Agent
    private let keeper: RuntimeKeeper
    private let first: Digest
    private let second: Digest

    init() throws { try self.init(reloads: false) }

    private init(reloads: Bool) throws {
        first = try #require(Digest(bytes: Array(repeating: 1, count: 32)))
        second = try #require(Digest(bytes: Array(repeating: 2, count: 32)))
        var settings = RuntimeSettings(command: ["runtime", "{model_dir}", "{port}"], port: 8123, startSeconds: 10)
        settings.reload = reloads ? .post("/reload") : .restart
        let id = try DeviceID("dev-1")
        let services = AgentServices(
            files: MemoryDisk(), controller: SimulatedLink(id), verifier: StubTrust(device: id), probe: runtime,
            launcher: runtime, clock: time, chance: EvenChance(), log: log, sensors: FixedSensors())
        agent = try Agent(
            settings: AgentSettings(device: id, model: try ModelName("digits"), runtime: settings, agentVersion: "1"),
            services: services)
        keeper = RuntimeKeeper(
            supervisor: agent.supervisor, settings: settings, services: services, counters: agent.counters,
            status: agent.status, layout: agent.layout)
    }

    private var condition: RuntimeCondition { agent.supervisor.condition }
    private var outcome: FailureReason? { agent.supervisor.snapshot.outcome.fault }
    private var isDecided: Bool { agent.supervisor.snapshot.outcome.generation == agent.supervisor.snapshot.generation }

    private func order(_ digest: Digest?) {
        runtime.place(digest)
        agent.supervisor.request(digest)
        keeper.step()
    }

    private func pass(_ seconds: Double) {
        time.pause(seconds: seconds)
        keeper.step()
    }

    @Test("an ordered version is started and serves as soon as it is healthy")
    func starts() {
        runtime.setIll(true)
        order(first)
        #expect(runtime.launches == 1 && !isDecided && !condition.isHealthy)
        runtime.setIll(false)
        pass(1)
        #expect(isDecided && outcome == nil)
        #expect(condition.serving == first && condition.isHealthy)
    }

    @Test("a runtime that does not become healthy in its time is ended, and the order has failed")
    func timesOut() {
        runtime.setIll(true)
        order(first)
        pass(9)
        #expect(!isDecided)
        pass(2)
        #expect(isDecided && outcome == .runtimeUnhealthy)
        #expect(agent.counters.snapshot.failedStarts == 1)
        #expect(runtime.serving == nil)
    }

    @Test("an order for another version restarts the process, one for the same does not")
    func orders() {
        order(first)
        order(first)
        #expect(runtime.launches == 1 && isDecided && condition.isHealthy)
        order(second)
        #expect(runtime.launches == 2 && condition.serving == second && runtime.serving == second)
        order(nil)
        #expect(runtime.serving == nil && isDecided && outcome == nil && condition.serving == nil)
    }

    @Test("an order to serve afresh starts what serves the version already once more, or has it reload")
    func afresh() throws {
        func renew(_ other: Self) {
            _ = other.agent.supervisor.order(first, isAfresh: true)
            other.pass(1)
            #expect(other.isDecided && other.outcome == nil)
            #expect(other.condition.serving == first && other.condition.isHealthy)
        }
        order(first)
        let before = try #require(condition.series)
        renew(self)
        #expect(runtime.launches == 2 && condition.series != before)
        let other = try Self(reloads: true)
        other.order(first)
        renew(other)
        #expect(other.runtime.launches == 1)
        other.runtime.setRefusesReload(true)
        renew(other)
        #expect(other.runtime.launches == 2, "it was asked to reload")
    }

    @Test("a runtime that can reload keeps its process; one that refuses to is restarted")
    func reloads() throws {
        let other = try Self(reloads: true)
        other.order(first)
        other.order(second)
        #expect(other.runtime.launches == 1 && other.runtime.serving == second && other.condition.isHealthy)
        other.runtime.setRefusesReload(true)
        other.order(first)
        #expect(other.runtime.launches == 2 && other.runtime.serving == first && other.isDecided)
    }

    @Test("a crash is seen, counted and followed by another start, ever later")
    func crashes() {
        order(first)
        runtime.crash()
        keeper.step()
        #expect(agent.counters.snapshot.crashes == 1 && !condition.isHealthy)
        #expect(runtime.launches == 1, "not at once")
        pass(1)
        #expect(runtime.launches == 2 && condition.isHealthy)
        runtime.crash()
        keeper.step()
        pass(0.06)
        #expect(runtime.launches == 2, "the second pause is longer")
        pass(1)
        #expect(runtime.launches == 3)
        #expect(!agent.supervisor.takeInstability(), "two crashes are not too many")
    }

    @Test("three crashes within five minutes are too many, and are said once")
    func unstable() {
        order(first)
        for _ in 0..<3 {
            runtime.crash()
            pass(60)
            pass(1)
        }
        #expect(agent.supervisor.takeInstability())
        #expect(!agent.supervisor.takeInstability())
        #expect(agent.counters.snapshot.crashes == 3)
    }

    @Test("crashes that are far apart are borne")
    func rareCrashes() {
        order(first)
        for _ in 0..<4 {
            runtime.crash()
            pass(200)
            pass(1)
        }
        #expect(!agent.supervisor.takeInstability())
    }

    @Test("one failed check is borne, three in a row are an illness, and it may recover")
    func health() {
        order(first)
        runtime.setIll(true)
        for _ in 0..<2 { pass(1.1) }
        #expect(condition.isHealthy)
        pass(1.1)
        #expect(!condition.isHealthy)
        runtime.setIll(false)
        pass(0.1)
        #expect(condition.isHealthy && runtime.launches == 1)
        runtime.setIll(true)
        for _ in 0..<3 { pass(1.1) }
        pass(11)
        #expect(runtime.serving == nil, "an illness that lasts ends the process")
        runtime.setIll(false)
        pass(31)
        #expect(runtime.launches == 2 && condition.isHealthy)
    }

    @Test("a planned stop scrapes last, and names what may follow the scrape as a gap")
    func stops() {
        order(first)
        runtime.serve(requests: 10, failures: ["timeout": 1])
        agent.supervisor.stop()
        keeper.run()
        #expect(runtime.serving == nil && !condition.isHealthy)
        let counted = agent.counters.snapshot.entries.values.first
        var expected = RuntimeTotals(requests: 10, failures: ["timeout": 1], latencyBuckets: [])
        expected.means = [
            "memory_bytes": MeanTotals(count: 1, above: 1_048_576),
            "temperature_celsius": MeanTotals(count: 1, above: 45.5),
        ]
        #expect(counted?.totals == expected)
        #expect(counted?.gaps == 1 && counted?.isOpen == false)
        #expect(agent.supervisor.serve(second) == .runtimeUnhealthy, "nobody waits for a thread that has ended")
    }

    // MARK: - What is measured

    private var counted: RuntimeTotals? { agent.counters.snapshot.entries.values.first?.totals }

    private func scrape() {
        agent.supervisor.shared.withLock { $0.wantedScrape += 1 }
        keeper.step()
    }

    @Test("memory and temperature are sampled at each scrape, for the version that serves")
    func sensors() {
        order(first)
        for _ in 0..<3 { scrape() }
        #expect(counted?.means["memory_bytes"] == MeanTotals(count: 3, above: 3_145_728))
        #expect(counted?.means["temperature_celsius"]?.mean == 45.5)
    }

    @Test("too many named metrics are refused once in the log, and told as a problem as long as the runtime lives")
    func refused() {
        order(first)
        var totals = RuntimeTotals(requests: 20)
        totals.answers = 20
        for index in 10..<30 { totals.classes["\(index)"] = 1 }
        runtime.measure(totals)
        scrape()
        scrape()
        #expect(counted?.namedCount == MeasurementName.limit && counted?.answers == 20)
        #expect(agent.status.snapshot.refusedMetrics == 6)
        #expect(log.lines.withLock { $0.count { $0.contains("metrics_refused") } } == 1)
    }
}

/// A device that always shows the same.
private struct FixedSensors: DeviceSensing {
    func residentBytes(of process: Int32) -> UInt64? { 1 << 20 }
    func temperatureCelsius() -> Double? { 45.5 }
}

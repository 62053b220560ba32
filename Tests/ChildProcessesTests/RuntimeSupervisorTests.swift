import Fleet
import Foundation
import Synchronization
import Testing
import WireFormat

@testable import ChildProcesses
@testable import DeviceAgent
@testable import SimulatedWorld

/// The supervisor with real processes on a thread of its own.
@Suite struct RuntimeSupervisorTests {
    /// Real processes, whose numbers are noted; they are healthy as long as they live.
    private final class Processes: ProcessLaunching, RuntimeProbing {
        private let launcher = ProcessLauncher(logPath: NSTemporaryDirectory() + "runtime-\(UUID().uuidString).log")
        private let started = Mutex<[Int32]>([])

        var all: [Int32] { started.withLock { $0 } }

        func launch(_ command: [String]) throws -> Int32 {
            let process = try launcher.launch(command)
            started.withLock { $0.append(process) }
            return process
        }

        func end(of process: Int32) -> ProcessEnd? { launcher.end(of: process) }
        func signal(_ process: Int32, _ number: Int32) { launcher.signal(process, number) }
        func terminate(_ process: Int32, force: Bool) { launcher.terminate(process, force: force) }

        func get(_ path: String, timeoutSeconds: Double) throws -> ProbeReply {
            let isAlive = all.last.map { kill($0, 0) == 0 } ?? false
            return ProbeReply(status: isAlive ? 200 : 503, body: [])
        }

        func post(_ path: String, json: [UInt8], timeoutSeconds: Double) throws -> ProbeReply {
            ProbeReply(status: 404, body: [])
        }
    }

    private final class RealTime: AgentClock {
        var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
        var uptimeSeconds: Double { ProcessInfo.processInfo.systemUptime }
        func pause(seconds: Double) { usleep(UInt32(seconds * 1_000_000)) }
    }

    private func awaited(_ holds: () -> Bool) -> Bool {
        for _ in 0..<2_000 {
            if holds() { return true }
            usleep(5_000)
        }
        return holds()
    }

    @Test(
        "a runtime is started, started again when it is killed, replaced by another version, and ended with the agent")
    func life() throws {
        let processes = Processes()
        let id = try DeviceID("dev-1")
        let settings = AgentSettings(
            device: id, model: try ModelName("digits"),
            runtime: RuntimeSettings(command: ["/bin/sleep", "600"], port: 1, stopSeconds: 1), agentVersion: "1")
        let agent = try Agent(
            settings: settings,
            services: AgentServices(
                files: MemoryDisk(), controller: SimulatedLink(id), verifier: StubTrust(device: id), probe: processes,
                launcher: processes, clock: RealTime(), chance: EvenChance(), log: TestLog()))
        let hasEnded = Mutex(false)
        // The thread ends with `stop()`, which is awaited below.
        Thread {
            agent.superviseRuntime()
            hasEnded.withLock { $0 = true }
        }.start()
        let first = try #require(Digest(bytes: Array(repeating: 1, count: 32)))
        let second = try #require(Digest(bytes: Array(repeating: 2, count: 32)))
        #expect(agent.supervisor.serve(first) == nil)
        let victim = try #require(processes.all.last)
        kill(victim, SIGKILL)
        #expect(awaited { agent.counters.snapshot.crashes == 1 })
        #expect(awaited { processes.all.count == 2 && agent.supervisor.condition.isHealthy })
        #expect(agent.supervisor.serve(second) == nil)
        #expect(processes.all.count == 3 && agent.supervisor.condition.serving == second)
        #expect(agent.supervisor.serve(nil) == nil)
        #expect(awaited { processes.all.allSatisfy { kill($0, 0) == -1 } }, "no process and no zombie is left")
        #expect(agent.supervisor.serve(first) == nil)
        agent.stop()
        #expect(awaited { hasEnded.withLock { $0 } })
        #expect(awaited { processes.all.allSatisfy { kill($0, 0) == -1 } })
        #expect(agent.counters.snapshot.crashes == 1, "planned ends are no crashes")
    }
}

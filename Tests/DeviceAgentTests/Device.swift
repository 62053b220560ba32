import Cryptography
import DeviceUpdates
import Fleet
import ModelTrust
import PrometheusExposition
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// One device in a test: its disk survives, its agent may be started again and again.
final class Device {
    let id: DeviceID
    let model: ModelName
    let controller: FakeController
    let runtime = FakeRuntime()
    let clock = TestClock()
    let log = TestLog()
    let probe = FakeProbe()
    var disk: MemoryDisk
    private(set) var agent: Agent?
    private(set) var worker: UpdateWorker?
    private var waiting: AssignmentSet?

    init(disk: MemoryDisk = MemoryDisk(), controller: FakeController = FakeController()) throws {
        id = try DeviceID("dev-1")
        model = try ModelName("digits")
        self.disk = disk
        self.controller = controller
    }

    /// What the controller orders from now on.
    func order(_ number: UInt64, run: TestVersion, fallback: TestVersion?, expiresAt: Int64 = 4_000_000_000) {
        let claims = AssignmentClaims(
            device: id, number: number, model: model,
            run: .init(version: run.resource.version, digest: run.digest, sizeBytes: 100),
            fallback: fallback.map { .init(version: $0.resource.version, digest: $0.digest) }, deployment: nil,
            rollout: nil, updatingSeconds: 60, issuedAt: 1_000_000_000, expiresAt: expiresAt)
        waiting = AssignmentSet(number: number, assignments: [claims.signed(with: StubKey())])
    }

    /// Starts the agent and lets it work until nothing is left to do, or its disk fails.
    func work() throws {
        let settings = AgentSettings(
            device: id, model: model, runtime: RuntimeSettings(command: ["run", "{model_dir}"], port: 1),
            agentVersion: "1", probationSeconds: 1, fetchTries: 2)
        let services = AgentServices(
            files: disk, controller: controller, verifier: StubTrust(device: id), probe: probe,
            launcher: FakeLauncher(), clock: clock, chance: EvenChance(), log: log)
        let agent = try Agent(settings: settings, services: services)
        self.agent = agent
        agent.status.change { $0.hasSeenAssignments = true }
        let worker = try UpdateWorker(agent, runtime: runtime)
        self.worker = worker
        if let waiting { _ = agent.intake.take(waiting, accepted: worker.machine.accepted) }
        // The announcement waits for a heartbeat that no thread sends here.
        agent.status.change { $0.updatingUntil = Timestamp(milliseconds: 1) }
        var action = try worker.begin()
        for _ in 0..<200 {
            let isIdle = action == .none || action == .deferAssignment
            if isIdle, agent.intake.newer(than: worker.machine.accepted) == nil { break }
            agent.status.change { $0.updatingUntil = Timestamp(milliseconds: 1) }
            // An outcome that cannot be written is tried again at once.
            agent.status.updateBell.ring()
            action = try worker.next(after: action)
            if disk.isCut { throw MemoryDisk.PowerCut() }
        }
        try ReportLoop(agent).send()
    }

    var store: VersionStore {
        VersionStore(files: disk, layout: StateLayout(model: model), verifier: StubTrust(device: id))
    }

    var local: LocalVersions { get throws { try store.local() } }
}

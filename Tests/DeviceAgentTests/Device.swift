import Cryptography
import DeviceUpdates
import Fleet
import ModelTrust
import PrometheusExposition
import Synchronization
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
    /// Ends the agent at a point, as often as it gets there.
    var killAt: KillPoint?
    /// When the controller was last heard, as far as the agent knows; nil for never.
    var lastContact: Timestamp?
    /// What the device is made of; empty where it does not say.
    var architecture = ""
    /// Tries that may bring nothing.
    var fetchTries = 2
    /// When files may be fetched.
    var downloadWindow: DailyWindow?
    /// Whom the device trusts; nil for the stub key.
    var trust: (any VersionVerifying)?
    /// The number of the newest key set that the controller told of in its last answer to a heartbeat.
    var offeredKeySet: UInt64 = 0
    private(set) var agent: Agent?
    private(set) var worker: UpdateWorker?
    private var waiting: AssignmentSet?

    /// The same device with everything around it, apart from this one.
    func copy(disk left: MemoryDisk? = nil) throws -> Device {
        let copied = try Device(disk: left ?? disk.afterPowerCut { $0 })
        let (known, served) = (controller.state.withLock { $0 }, runtime.state.withLock { $0 })
        copied.controller.state.withLock { $0 = known }
        copied.runtime.state.withLock { $0 = served }
        copied.waiting = waiting
        return copied
    }

    init(disk: MemoryDisk = MemoryDisk(), controller: FakeController = FakeController()) throws {
        id = try DeviceID("dev-1")
        model = try ModelName("digits")
        self.disk = disk
        self.controller = controller
    }

    /// What the controller orders from now on.
    func order(
        _ number: UInt64, run: TestVersion, fallback: TestVersion?, reinstall: Bool = false, retry: UInt64 = 0,
        expiresAt: Int64 = 4_000_000_000
    ) {
        let claims = AssignmentClaims(
            device: id, number: number, model: model,
            run: .init(version: run.resource.version, digest: run.digest, sizeBytes: 100),
            fallback: fallback.map { .init(version: $0.resource.version, digest: $0.digest) }, deployment: nil,
            rollout: nil, reinstall: reinstall, retry: retry, updatingSeconds: 60, issuedAt: 1_000_000_000,
            expiresAt: expiresAt)
        waiting = AssignmentSet(number: number, assignments: [claims.signed(with: StubKey())])
    }

    /// Any text as what the controller orders from now on.
    func order(_ number: UInt64, signed text: String) {
        waiting = AssignmentSet(number: number, assignments: [text])
    }

    /// A controller, or somebody who would like to be one, orders another device's assignment from this one.
    func offerForeignAssignment(number: UInt64) throws {
        let claims = AssignmentClaims(
            device: try DeviceID("dev-2"), number: number, model: model, run: nil, fallback: nil, deployment: nil,
            rollout: nil, updatingSeconds: 60, issuedAt: 1_000_000_000, expiresAt: 4_000_000_000)
        waiting = AssignmentSet(number: number, assignments: [claims.signed(with: StubKey())])
    }

    /// The disk damages a version's weights.
    func damage(_ version: TestVersion) throws {
        disk.damage(StateLayout(model: model).version(version.digest) + "/model.bin")
    }

    /// Starts the agent and lets it work until nothing is left to do, or its disk fails.
    func work() throws {
        let settings = AgentSettings(
            device: id, model: model, runtime: RuntimeSettings(command: ["run", "{model_dir}"], port: 1),
            agentVersion: "1", probationSeconds: 1, fetchTries: fetchTries, architecture: architecture,
            downloadWindow: downloadWindow)
        let services = AgentServices(
            files: disk, controller: controller, verifier: trust ?? StubTrust(device: id), probe: probe,
            launcher: FakeLauncher(), clock: clock, chance: EvenChance(), log: log,
            killSwitch: DiskKillSwitch(disk: disk, point: killAt))
        let agent = try Agent(settings: settings, services: services)
        self.agent = agent
        agent.status.change { [lastContact, offeredKeySet] status in
            status.hasSeenAssignments = true
            status.lastContact = lastContact
            status.offeredKeySet = offeredKeySet
        }
        let worker = try UpdateWorker(agent, runtime: runtime)
        self.worker = worker
        if let waiting { _ = agent.intake.take(waiting, accepted: worker.machine.accepted) }
        // The announcement waits for a heartbeat that no thread sends here.
        agent.status.change { $0.updatingUntil = Timestamp(milliseconds: 1) }
        try carryOut(nil, by: worker, agent)
        try ReportLoop(agent).send()
    }

    /// What an idle agent does when something wakes it.
    func idle() throws {
        let (agent, worker) = (try #require(agent), try #require(worker))
        agent.status.change { [lastContact, offeredKeySet] status in
            status.lastContact = lastContact
            status.offeredKeySet = offeredKeySet
        }
        agent.status.updateBell.ring()
        try carryOut(try worker.next(after: .none), by: worker, agent)
        try ReportLoop(agent).send()
    }

    /// What the update loop does, until nothing is left to do.
    private func carryOut(_ first: UpdateAction?, by worker: UpdateWorker, _ agent: Agent) throws {
        var action = first
        var failures = 0
        for _ in 0..<200 {
            let isIdle = action == .some(.none) || action == .deferAssignment
            if isIdle, agent.intake.newer(than: worker.machine.accepted) == nil { break }
            agent.status.change { $0.updatingUntil = Timestamp(milliseconds: 1) }
            // An outcome that cannot be written is tried again at once.
            agent.status.updateBell.ring()
            do {
                action = try worker.round(after: action)
            } catch {
                failures += 1
                if disk.isCut || failures > 3 { throw error }
            }
            if disk.isCut { throw MemoryDisk.PowerCut() }
        }
    }

    var store: VersionStore {
        VersionStore(files: disk, layout: StateLayout(model: model), verifier: trust ?? StubTrust(device: id))
    }

    var local: LocalVersions { get throws { try store.local() } }
}

/// Ends the agent as `kill -9` does: nothing it does afterwards has an effect; what it wrote stays.
struct DiskKillSwitch: KillSwitch {
    let disk: MemoryDisk
    let point: KillPoint?

    func reached(_ point: KillPoint) {
        if point == self.point { disk.setBudget(0) }
    }
}

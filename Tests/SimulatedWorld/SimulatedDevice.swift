import Fleet
import ModelTrust
import Orchestration
import PrometheusExposition
import Synchronization
import WireFormat

@testable import DeviceAgent

/// A device of a simulated fleet: the agent's own counters, scrapes and heartbeats over a simulated runtime and
/// network.
///
/// It is driven from one thread. Updates take one round and no bytes: how they are carried out is tested elsewhere.
final class SimulatedDevice {
    let id: DeviceID
    let model: ModelName
    let time: DeviceTime
    let link: SimulatedLink
    private(set) var disk = MemoryDisk()
    private(set) var runtime = SimulatedRuntime()
    private(set) var agent: Agent
    private(set) var current: Digest?
    private(set) var fallback: Digest?
    /// The newest assignment the device has carried out.
    private(set) var accepted: UInt64 = 0
    /// Versions that do not come up on this device.
    var refused: Set<Digest> = []
    /// Whether its agent knows the order to install once more.
    var knowsReinstall = true
    /// How often it has installed the version it runs once more.
    private(set) var reinstalls = 0
    /// A device that is away neither serves nor speaks.
    var isAway = false

    private let reloads: Bool
    private var keeper: RuntimeKeeper
    private var loop: HeartbeatLoop
    private var reports: UInt64 = 0

    /// Makes a device whose agent runs; `reloads` says whether its runtime takes a new version without a new process.
    init(_ id: DeviceID, model: ModelName, time: TestTime, reloads: Bool = false) throws {
        self.id = id
        self.model = model
        self.time = DeviceTime(time)
        self.reloads = reloads
        link = SimulatedLink(id)
        (agent, keeper, loop) = try Self.started(self.disk, id, model, self.time, runtime, link, reloads: reloads)
    }

    // MARK: - A round

    /// Serves a round's requests.
    func serve(requests: Int, failures: Int) {
        runtime.serve(requests: requests, failures: ["timeout": failures])
    }

    /// Scrapes the runtime and sends a heartbeat, which meets this fate; carries out a newer assignment that it learns
    /// of.
    func beat(_ fate: SimulatedLink.Fate = .arrives) throws {
        guard !isAway else { return }
        scrape()
        link.meet(fate)
        loop.beat()
        if let newest = link.newestAssignment, newest > accepted { try update() }
    }

    /// One round of the runtime's keeper, with a scrape.
    func scrape() {
        agent.supervisor.shared.withLock { shared in
            shared.wantedScrape = 1
            shared.doneScrape = 0
        }
        keeper.step()
        // Nobody else scrapes here: a heartbeat need not wait for it.
        agent.supervisor.shared.withLock { $0.doneScrape = .max }
    }

    /// Fetches the newest assignment and does what it says.
    func update() throws {
        guard let controller = link.controller else { return }
        let set = try controller.assignments(of: id)
        for text in set.assignments {
            let claims = try AssignmentClaims(verifying: text, trustedKeys: [StubKey()], device: id)
            guard claims.number > accepted, let run = claims.run?.digest else { continue }
            fallback = claims.fallback?.digest
            if claims.reinstall, knowsReinstall, run == current {
                try reinstall(run, claims.number)
                continue
            }
            let works = run == current || !refused.contains(run)
            if works, run != current { activate(run) }
            try report(claims.number, run, works ? .succeeded : .failed)
        }
        accepted = set.number
        agent.status.change { [accepted] in $0.accepted = accepted }
    }

    /// Installs the version it runs once more, unless its runtime does not come up with it again.
    private func reinstall(_ run: Digest, _ assignment: UInt64) throws {
        guard !refused.contains(run) else { return try report(assignment, run, .failed) }
        reinstalls += 1
        restartRuntime()
        try report(assignment, run, .stepDone, step: "deploy")
        try report(assignment, run, .succeeded)
    }

    /// Serves another version.
    func activate(_ digest: Digest) {
        current = digest
        runtime.place(digest)
        agent.supervisor.request(digest)
        // Two rounds: one carries the order out, one finds the runtime healthy.
        for _ in 0..<2 {
            time.pause(seconds: 40)
            keeper.step()
        }
    }

    /// Leaves its version for the fallback by itself, and says so.
    func fallBack() throws {
        guard let fallback, let left = current else { return }
        activate(fallback)
        try report(accepted, left, .rolledBack)
    }

    private func report(
        _ assignment: UInt64, _ digest: Digest?, _ outcome: AttemptReport.Outcome, step: String = "report"
    ) throws {
        reports += 1
        let report = AttemptReport(
            assignment: assignment, model: model, sequence: reports, digest: digest, step: step,
            outcome: outcome, reason: [.succeeded, .stepDone].contains(outcome) ? nil : "runtime_unhealthy",
            at: time.now.milliseconds)
        _ = try link.controller?.report(ReportBatch(reports: [report]), from: id)
    }

    // MARK: - Faults

    /// The runtime ends by itself and is started again.
    func crashRuntime() {
        runtime.crash()
        for _ in 0..<2 {
            time.pause(seconds: 40)
            keeper.step()
        }
    }

    /// The runtime is stopped and started as planned.
    func restartRuntime() {
        agent.supervisor.request(nil)
        keeper.step()
        if let current { activate(current) }
    }

    /// The agent is killed, its runtime with it, and starts again.
    func restartAgent() throws {
        runtime.crash()
        try startAgain()
    }

    /// The power is cut: of what was not synced, `keep` decides what is left.
    func cutPower(keep: (_ count: Int) -> Int) throws {
        runtime.crash()
        link.dropLate()
        disk = disk.afterPowerCut(keep: keep)
        try startAgain()
    }

    private func startAgain() throws {
        time.pause(seconds: 1)
        (agent, keeper, loop) = try Self.started(disk, id, model, time, runtime, link, reloads: reloads)
        agent.status.change { [accepted] in $0.accepted = accepted }
        if let current { activate(current) }
    }

    private static func started(
        _ disk: MemoryDisk, _ id: DeviceID, _ model: ModelName, _ time: DeviceTime, _ runtime: SimulatedRuntime,
        _ link: SimulatedLink, reloads: Bool
    ) throws -> (Agent, RuntimeKeeper, HeartbeatLoop) {
        var settings = RuntimeSettings(command: ["runtime"], port: 1)
        settings.reload = reloads ? .post("/reload") : .restart
        let services = AgentServices(
            files: disk, controller: link, verifier: StubTrust(device: id), probe: runtime, launcher: runtime,
            clock: time, chance: EvenChance(), log: TestLog())
        let agent = try Agent(
            settings: AgentSettings(device: id, model: model, runtime: settings, agentVersion: "1"), services: services)
        let keeper = RuntimeKeeper(
            supervisor: agent.supervisor, settings: settings, services: services, counters: agent.counters,
            status: agent.status, layout: agent.layout)
        return (agent, keeper, HeartbeatLoop(agent))
    }
}

/// Chance that is always in the middle.
struct EvenChance: ChanceSource {
    func next() -> Double { 0.5 }
}

/// The network between a device and whichever controller is there, with faults.
final class SimulatedLink: ControllerClient {
    /// What becomes of a heartbeat.
    enum Fate: CaseIterable, Sendable {
        case arrives
        /// It never arrives.
        case lost
        /// It arrives, its reply does not.
        case replyLost
        /// It arrives twice.
        case repeated
        /// It arrives after later ones, and its reply never.
        case late
    }

    private struct State {
        var controller: FleetController?
        var fate = Fate.arrives
        var late: [Heartbeat] = []
        var newestAssignment: UInt64?
        var histories: [HistoryUpload] = []
        /// The largest totals of each series that ever arrived.
        var arrived: [RuntimeSeries: RuntimeTotals] = [:]
    }

    private let device: DeviceID
    private let state = Mutex(State())

    init(_ device: DeviceID) { self.device = device }

    var controller: FleetController? { state.withLock { $0.controller } }

    /// The largest assignment number a reply told.
    var newestAssignment: UInt64? { state.withLock { $0.newestAssignment } }

    /// What arrived at any controller, by version.
    var arrived: [Digest: RuntimeTotals] {
        state.withLock { state in
            Dictionary(state.arrived.map { ($0.key.digest, $0.value) }) { $0.adding($1) }.filter { !$0.value.isZero }
        }
    }

    func connect(to controller: FleetController?) { state.withLock { $0.controller = controller } }

    func meet(_ fate: Fate) { state.withLock { $0.fate = fate } }

    /// What was late is lost: its sender has no power.
    func dropLate() { state.withLock { $0.late = [] } }

    /// Delivers the heartbeats that were late, the newest first.
    func deliverLate() {
        let (late, controller) = state.withLock { state in
            defer { state.late = [] }
            return (state.late, state.controller)
        }
        for heartbeat in late.reversed() { _ = try? deliver(heartbeat, to: controller, tells: false) }
    }

    func send(_ heartbeat: Heartbeat) throws(ControllerFault) -> HeartbeatReply {
        let (controller, fate) = state.withLock { ($0.controller, $0.fate) }
        switch fate {
        case .arrives: return try deliver(heartbeat, to: controller)
        case .lost: break
        case .replyLost: _ = try deliver(heartbeat, to: controller)
        case .repeated:
            _ = try deliver(heartbeat, to: controller)
            return try deliver(heartbeat, to: controller)
        case .late: state.withLock { $0.late.append(heartbeat) }
        }
        throw .unavailable("the network lost it")
    }

    private func deliver(
        _ heartbeat: Heartbeat, to controller: FleetController?, tells: Bool = true
    ) throws(ControllerFault) -> HeartbeatReply {
        guard let controller else { throw .unavailable("no controller") }
        do {
            let reply = try controller.heartbeat(heartbeat, from: device)
            state.withLock { state in
                if tells { state.newestAssignment = reply.assignment }
                for report in heartbeat.series {
                    state.arrived[report.series] = (state.arrived[report.series] ?? report.totals).maximum(
                        report.totals)
                }
            }
            return reply
        } catch {
            throw .refused(status: 404, "\(error)")
        }
    }

    func assignments(known: UInt64?, waitSeconds: Int) throws(ControllerFault) -> AssignmentSet? { nil }

    func version(_ digest: Digest) throws(ControllerFault) -> VersionResource { throw .refused(status: 404, "none") }

    func keySets(after number: UInt64) throws(ControllerFault) -> [String] {
        guard let controller else { throw .unreachable("nobody there") }
        return controller.keySets(after: number, limit: 100).items.map(\.envelope)
    }

    func artifact(
        _ digest: Digest, bytes: Range<UInt64>, of sizeBytes: UInt64,
        sink: @escaping (UInt64, [UInt8]) throws -> Void
    ) throws {}

    func send(_ history: HistoryUpload) throws(ControllerFault) {
        let controller = state.withLock { state in
            state.histories.append(history)
            return state.controller
        }
        do {
            try controller?.history(history, from: device)
        } catch {
            throw .refused(status: 422, "\(error)")
        }
    }

    /// The rings that were told.
    var histories: [HistoryUpload] { state.withLock { $0.histories } }

    func report(_ batch: ReportBatch) throws(ControllerFault) -> ReportReceipt { ReportReceipt(acknowledged: 0) }
}

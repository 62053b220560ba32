import DeviceUpdates
import Fleet
import ModelTrust
import WireFormat

/// The update loop: asks the machine what to do, journals it, does it, and tells the machine what happened.
///
/// It lives on one thread. No decision is made here; the steps are in the extensions.
final class UpdateWorker {
    /// What the check step found to fetch.
    struct FetchPlan {
        struct Item {
            var digest: Digest
            var bundle: [UInt8]
            var blobs: [FileDigest]
            var files: [VersionFile]
        }

        var items: [Item] = []
    }

    /// How long an update may keep the device silent where no assignment says so, and at most, seconds.
    static let updatingSecondsDefault = 600.0
    static let updatingSecondsLimit = 1800.0
    /// What a report says for people has at most so many bytes, the runtime's last output included.
    static let detailLimitBytes = 4096
    /// How long an outcome that cannot be written waits for the next try, seconds.
    static let reportRetrySeconds = 5.0
    /// How long a loop that could not write its journal waits for the next try, seconds.
    static let journalRetrySeconds = 5.0
    /// How often an idle loop looks for a version that was unproven for too long, seconds.
    static let idleSeconds = 30.0
    /// How long a start waits for news before it serves an unproven version again, seconds.
    static let firstContactSeconds = 3.0

    let settings: AgentSettings
    let services: AgentServices
    let layout: StateLayout
    let store: VersionStore
    let quarantine: QuarantineStore
    let outbox: Outbox
    let intake: AssignmentIntake
    let status: AgentStatus
    let runtime: any RuntimeSupervising
    var journal: JournalStore
    var floors: FloorStore
    var machine: UpdateMachine
    var plan = FetchPlan()
    var reportSequence: UInt64
    /// How long the assignment lets the device be silent, seconds.
    var updatingSeconds = UpdateWorker.updatingSecondsDefault
    /// More about the last failure, for the report.
    var detail: String?
    /// The last that the runtime wrote before a failure of its own.
    var output: [UInt8] = []
    var transferredBytes: UInt64 = 0
    /// For which key set every version's signature was looked at.
    var renewedFor: UInt64 = 0

    /// Opens the worker; another runtime than the agent's own is for tests.
    init(_ agent: Agent, runtime: (any RuntimeSupervising)? = nil) throws {
        settings = agent.settings
        services = agent.services
        layout = agent.layout
        status = agent.status
        self.runtime = runtime ?? agent.supervisor
        outbox = agent.outbox
        intake = agent.intake
        journal = try JournalStore(files: services.files)
        floors = try FloorStore(files: services.files)
        store = VersionStore(files: services.files, layout: layout, verifier: services.verifier)
        quarantine = QuarantineStore(files: services.files)
        machine = UpdateMachine(
            state: journal.last.state, accepted: max(journal.last.accepted, floors.floors.assignment))
        reportSequence = journal.last.reportSequence
        publish()
    }

    /// Works until the agent stops; an attempt that is under way then goes on after the next start.
    func run() {
        var action: UpdateAction?
        while !status.isStopping {
            do {
                action = try round(after: action)
            } catch {
                // Without its journal the loop must not go on; it tries to write it again.
                services.log.error("update_loop_failed", ["error": "\(error)"])
                status.setProblem(.storageFailed, present: true)
                status.updateBell.wait(seconds: Self.journalRetrySeconds)
            }
        }
    }

    /// Brings the slot back to where the journal left it, and the runtime to what `current` says.
    func begin() throws -> UpdateAction {
        let local = try store.local()
        if machine.state.attempt == nil {
            if local.isUnproven, !status.snapshot.hasSeenAssignments {
                // An order to leave this version may wait at the controller.
                status.updateBell.wait(seconds: Self.firstContactSeconds)
            }
            if let newer = intake.newer(than: machine.accepted), local.isUnproven,
                newer.assignment.run == local.lastKnownGood
            {
                // The return needs no download: what must be left is not started for it.
                return .none
            }
            return try serveCurrent(local)
        }
        services.log.info("attempt_resumed", ["step": machine.state.step?.rawValue ?? ""])
        switch machine.state {
        case .checking, .downloading, .verifying, .backingUp:
            if try local.current.map(store.isWhole) ?? false { runtime.request(local.current) }
        case .idle, .safe, .deploying, .smokeTesting, .onProbation, .rollingBack, .ending:
            break
        }
        if case .onProbation = machine.state { runtime.request(local.current) }
        if case .ending = machine.state { runtime.request(local.current) }
        return try advance(.agentStarted(local))
    }

    private func serveCurrent(_ local: LocalVersions) throws -> UpdateAction {
        guard let current = local.current else { return .none }
        if try store.isWhole(current) {
            runtime.request(current)
            return .none
        }
        services.log.error("version_damaged", ["version": current.short])
        status.setProblem(.hashMismatch, present: true)
        let action = try advance(.versionDamaged(local))
        return action
    }

    /// One round of the loop; until one has brought the slot back, that is what is tried.
    func round(after action: UpdateAction?) throws -> UpdateAction {
        try action.map(next(after:)) ?? begin()
    }

    /// A newer assignment first, then the work that is due, then whatever wakes an idle loop.
    func next(after action: UpdateAction) throws -> UpdateAction {
        followOfferedKeySets()
        if let newer = intake.newer(than: machine.accepted), machine.state.yieldsToAssignment {
            try services.files.replace(StateLayout.assignment, with: Array(newer.text.utf8))
            services.killSwitch.reached(.checkBefore)
            return try advance(.assignmentReceived(newer.assignment, try store.local()))
        }
        switch action {
        case .none, .deferAssignment:
            return try idle()
        case .check, .download, .verify, .backUp, .deploy, .smokeTest, .observe, .restore, .report:
            guard let event = perform(action) else { return action }
            return try advance(event)
        }
    }

    private func idle() throws -> UpdateAction {
        try awaitNews()
        if let order = try returnOrder() { return order }
        if runtime.takeInstability() {
            status.setProblem(.runtimeCrashed, present: true)
            return try advance(.runtimeUnstable(try store.local()))
        }
        let local = try store.local()
        renewSignatures(local)
        let lastContact = status.snapshot.lastContact ?? Timestamp(milliseconds: floors.floors.lastContact)
        try floors.raise(lastContact: coarse(status.snapshot.lastContact))
        if lastContact.milliseconds > 0,
            OfflineFallback.isDue(local: local, lastContact: lastContact, now: services.clock.now)
        {
            return try advance(.contactLost(local))
        }
        return .none
    }

    /// Waits for a ring, or for a person at the device, who has no bell.
    private func awaitNews() throws {
        for _ in 0..<Int(Self.idleSeconds) {
            if status.updateBell.wait(seconds: 1) { return }
            if try ReturnRequest.waits(in: services.files) { return }
        }
    }

    /// What a request of a person at the device leads to; nil without one, and where there is nothing to return to.
    private func returnOrder() throws -> UpdateAction? {
        guard let request = try ReturnRequest.waiting(in: services.files) else { return nil }
        let action = try advance(.returnOrdered(try store.local()))
        detail = Self.detail(of: request)
        if action == .none {
            services.log.warning("return_without_target", ["reason": request.reason])
            try ReturnRequest.clear(in: services.files)
        }
        return action
    }

    static func detail(of request: ReturnRequest) -> String {
        "ordered at the device" + (request.reason.isEmpty ? "" : ": \(request.reason.prefix(200))")
    }

    /// The last contact by tens of minutes, so that it is not written all the time.
    private func coarse(_ moment: Timestamp?) -> Timestamp? {
        moment.map { Timestamp(milliseconds: $0.milliseconds / 600_000 * 600_000) }
    }

    /// Tells the machine what happened and journals where that leads, before anything is done about it.
    private func advance(_ event: UpdateEvent) throws -> UpdateAction {
        if event.blamesRuntime, output.isEmpty {
            // Now: what the version before writes when it comes back would cover it.
            output = services.launcher.recentOutput(limitBytes: Self.detailLimitBytes)
        }
        var next = machine
        let action = next.handle(event)
        guard next != machine || action != .none else { return action }
        let isEnding = if case .ending = next.state { true } else { false }
        // Kept where the journal refuses: a record that was believed lost may be found by the next start.
        if isEnding, reportSequence == 0 { reportSequence = outbox.promise() }
        try journal.write(next, reportSequence: isEnding ? reportSequence : 0)
        if !isEnding, reportSequence != 0 {
            outbox.releasePromise()
            reportSequence = 0
        }
        machine = next
        publish()
        return action
    }

    /// Does the work; nil when it was interrupted.
    private func perform(_ action: UpdateAction) -> UpdateEvent? {
        let started = services.clock.uptimeSeconds
        transferredBytes = 0
        do {
            let event = try event(of: action)
            try reportStep(seconds: services.clock.uptimeSeconds - started, after: event)
            return event
        } catch StepFault.interrupted {
            return nil
        } catch StepFault.failed(let reason, let why) {
            return failed(reason, why)
        } catch {
            let fault = StepFault(storage: error)
            guard case .failed(let reason, let why) = fault else { return nil }
            return failed(reason, why)
        }
    }

    /// What a failed step tells the machine; nil where the step must be done again, because an outcome is never given
    /// up.
    private func failed(_ reason: FailureReason, _ why: String) -> UpdateEvent? {
        services.log.error(
            "step_failed",
            ["step": machine.state.step?.rawValue ?? "", "reason": reason.rawValue, "why": String(why.prefix(500))])
        if case .ending = machine.state {
            status.setProblem(reason, present: true)
            status.updateBell.wait(seconds: Self.reportRetrySeconds)
            return nil
        }
        if detail == nil { detail = why }
        return .stepFailed(reason)
    }

    private func event(of action: UpdateAction) throws -> UpdateEvent {
        switch action {
        case .none, .deferAssignment: throw StepFault.interrupted
        case .check(let attempt): return try check(attempt)
        case .download(let attempt): return try download(attempt)
        case .verify(let attempt): return try verify(attempt)
        case .backUp(let attempt): return try backUp(attempt)
        case .deploy(let attempt): return try deploy(attempt)
        case .smokeTest(let attempt): return try smokeTest(attempt)
        case .observe(let attempt): return try observe(attempt)
        case .restore(let attempt, let target): return try restore(attempt, target: target)
        case .report(let attempt, let ending): return try report(attempt, ending)
        }
    }

    /// Whether the step under way should be left: for a newer assignment or because the agent stops.
    var isInterrupted: Bool {
        status.isStopping || (machine.state.yieldsToAssignment && intake.newer(than: machine.accepted) != nil)
    }

    private func publish() {
        let (step, accepted) = (machine.state.step, machine.accepted)
        status.change { facts in
            facts.step = step
            facts.accepted = accepted
        }
    }
}

extension UpdateEvent {
    /// Whether the runtime itself failed: then what it wrote tells more than the agent can.
    fileprivate var blamesRuntime: Bool {
        switch self {
        case .runtimeUnstable, .stepFailed(.runtimeUnhealthy), .stepFailed(.runtimeCrashed), .stepFailed(.smokeFailed):
            true
        case .assignmentReceived, .stepDone, .backedUp, .stepFailed, .contactLost, .versionDamaged, .returnOrdered,
            .reported, .agentStarted:
            false
        }
    }
}

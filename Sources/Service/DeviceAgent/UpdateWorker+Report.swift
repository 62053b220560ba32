import DeviceUpdates
import Fleet
import WireFormat

/// Step 7: what came of it, durably, once.
extension UpdateWorker {
    /// Writes the outcome and cleans up.
    func report(_ attempt: Attempt, _ ending: Ending) throws -> UpdateEvent {
        services.killSwitch.reached(.reportBefore)
        let local = try store.local()
        switch ending {
        case .succeeded, .restored:
            let proven = attempt.lastKnownGoodAfterSuccess(local)
            if let proven, try store.isWhole(proven) { try pin(proven) }
            try quarantine.lift(attempt.to)
            status.change { $0.problems = [] }
        case .rejected, .failed, .fellBack, .stranded:
            if ending.quarantines, attempt.path != .restore, try store.local().current != attempt.to {
                try quarantine.add(
                    attempt.to, assignment: attempt.assignment, reason: ending.reason ?? .interrupted)
            }
        }
        noteProblems(ending)
        try floors.raise(assignment: attempt.assignment)
        try outbox.put(wireReport(attempt, ending))
        status.reportBell.ring()
        services.killSwitch.reached(.reportAfter)
        try collect(ending)
        try serveUntouched(ending)
        if ending.reason == .returnOrdered { try ReturnRequest.clear(in: services.files) }
        finish(attempt, ending)
        return .reported
    }

    /// Reports a step that is done; the outcome of the attempt has its own report.
    func reportStep(seconds: Double, after event: UpdateEvent) throws {
        guard let attempt = machine.state.attempt, let step = machine.state.step else { return }
        switch event {
        case .stepDone, .backedUp: break
        case .assignmentReceived, .stepFailed, .runtimeUnstable, .contactLost, .versionDamaged, .returnOrdered,
            .reported, .agentStarted:
            return
        }
        try outbox.put(
            AttemptReport(
                assignment: attempt.assignment, model: settings.model, sequence: outbox.reserve(), digest: attempt.to,
                step: step.rawValue, outcome: .stepDone, durationSeconds: seconds,
                transferredBytes: transferredBytes, at: services.clock.now.milliseconds))
        status.reportBell.ring()
        services.log.info("step_done", ["step": step.rawValue, "seconds": "\((seconds * 1000).rounded() / 1000)"])
    }

    private func wireReport(_ attempt: Attempt, _ ending: Ending) -> AttemptReport {
        AttemptReport(
            assignment: attempt.assignment, model: settings.model, sequence: reportSequence, digest: attempt.to,
            step: ending.step.rawValue, outcome: ending.outcome, reason: ending.reason?.rawValue,
            detail: Self.text(detail, output), at: services.clock.now.milliseconds)
    }

    /// What went wrong in the agent's words, and as much of the runtime's last output as fits behind them.
    static func text(_ detail: String?, _ output: [UInt8]) -> String? {
        let why = detail.map { String($0.prefix(1000)) }
        guard !output.isEmpty else { return why }
        let head = Array(((why.map { $0 + "\n" } ?? "") + "last output:\n").utf8)
        let tail = output.suffix(max(0, detailLimitBytes - head.count)).map { byte in
            // Readable whatever it was, and no longer in JSON than it is here.
            byte == 0x0A || (0x20..<0x7F).contains(byte) && byte != 0x22 && byte != 0x5C ? byte : UInt8(ascii: "?")
        }
        return String(decoding: head + tail, as: UTF8.self)
    }

    /// Serves on where a start left the runtime alone for an order that came to nothing.
    private func serveUntouched(_ ending: Ending) throws {
        switch ending.step {
        case .check, .download, .verify, .backup: break
        case .deploy, .smoke, .probation, .report, .rollback: return
        }
        guard runtime.condition.serving == nil, let current = try store.local().current else { return }
        if try store.isWhole(current) { runtime.request(current) }
    }

    private func noteProblems(_ ending: Ending) {
        switch ending {
        case .stranded: status.setProblem(.rollbackFailed, present: true)
        case .failed(let failure): status.setProblem(.diskFull, present: failure.reason == .diskFull)
        case .succeeded, .restored, .rejected, .fellBack: break
        }
    }

    /// Makes room, but not for a superseded attempt: what it fetched may be wanted at once.
    private func collect(_ ending: Ending) throws {
        guard ending.reason != .superseded else { return }
        let local = try store.local()
        try store.collect(keeping: Set([local.current, local.lastKnownGood].compactMap { $0 }))
    }

    private func finish(_ attempt: Attempt, _ ending: Ending) {
        status.change { $0.updatingUntil = nil }
        status.heartbeatBell.ring()
        services.log.note(
            ending.reason == nil ? .info : .warning, "attempt_ended",
            [
                "assignment": "\(attempt.assignment)", "version": attempt.to.short,
                "outcome": ending.outcome.rawValue, "reason": ending.reason?.rawValue ?? "",
            ])
        detail = nil
        output = []
    }
}

extension Ending {
    /// How the ending is reported.
    var outcome: AttemptReport.Outcome {
        switch self {
        case .succeeded: .succeeded
        case .restored, .fellBack: .rolledBack
        case .rejected: .rejected
        case .failed, .stranded: .failed
        }
    }

    /// The step the report names.
    var step: UpdateStep {
        switch self {
        case .succeeded, .restored: .report
        case .rejected: .check
        case .fellBack: .rollback
        case .failed(let failure), .stranded(let failure): failure.step
        }
    }
}

import Fleet

/// Decides what an update does next; the one place of the agent where that is decided.
///
/// Rule: the caller writes ``state`` to the journal, then does the returned action, then tells what happened. Why:
/// after a power cut the journal names work that may be done again, never work that is half believed done. All
/// decisions are values: no clock, no files.
public struct UpdateMachine: Hashable, Sendable {
    /// More transitions than this in one attempt break it off.
    public static let transitionLimit: UInt16 = 25
    /// More starts of the agent than this while a version is being tried end the attempt.
    public static let bootLimit: UInt16 = 3
    /// So many failed returns strand the device.
    public static let returnLimit: UInt8 = 2

    /// Where the slot is.
    public private(set) var state: UpdateState
    /// The largest assignment number taken up.
    public private(set) var accepted: UInt64

    /// Makes a machine as the journal left it.
    public init(state: UpdateState = .idle, accepted: UInt64 = 0) {
        self.state = state
        self.accepted = accepted
    }

    /// Takes in an event and says what to do.
    ///
    /// An event that means nothing in the state changes nothing and returns `none`.
    public mutating func handle(_ event: UpdateEvent) -> UpdateAction {
        switch event {
        case .assignmentReceived(let assignment, let local): assignmentReceived(assignment, local)
        case .stepDone: stepDone()
        case .backedUp(let backup): backedUp(backup)
        case .stepFailed(let reason): stepFailed(reason)
        case .runtimeUnstable(let local): versionMustBeLeft(.runtimeCrashed, local)
        case .contactLost(let local): versionMustBeLeft(.contactLost, local)
        case .versionDamaged(let local): versionMustBeLeft(.hashMismatch, local)
        case .returnOrdered(let local): versionMustBeLeft(.returnOrdered, local)
        case .reported: reported()
        case .agentStarted(let local): agentStarted(local)
        }
    }

    // MARK: Events

    private mutating func assignmentReceived(_ assignment: Assignment, _ local: LocalVersions) -> UpdateAction {
        guard assignment.number > accepted else { return .none }
        guard state.yieldsToAssignment else { return .deferAssignment }
        if let attempt = state.attempt, let step = state.step {
            // The attempt under way gets its own outcome first; the assignment is offered again after it.
            return enter(.ending(attempt, .failed(Failure(step: step, reason: .superseded))))
        }
        accepted = assignment.number
        return enter(.checking(Attempt(assignment, local: local)))
    }

    private mutating func stepDone() -> UpdateAction {
        switch state {
        case .checking(let attempt):
            enter(attempt.path == .restore ? .backingUp(attempt) : .downloading(attempt))
        case .downloading(let attempt):
            enter(.verifying(attempt))
        case .verifying(let attempt):
            enter(.backingUp(attempt))
        case .deploying(let attempt):
            enter(.smokeTesting(attempt))
        case .smokeTesting(let attempt):
            enter(attempt.path == .restore ? .ending(attempt, .restored) : .onProbation(attempt))
        case .onProbation(let attempt):
            enter(.ending(attempt, .succeeded))
        case .rollingBack(let attempt, let failure, _):
            enter(.ending(attempt, attempt.endingAfterReturn(from: failure)))
        case .idle, .backingUp, .ending, .safe:
            .none
        }
    }

    private mutating func backedUp(_ backup: Digest?) -> UpdateAction {
        guard case .backingUp(var attempt) = state else { return .none }
        attempt.backup = backup
        return enter(attempt.path == .keep ? .ending(attempt, .succeeded) : .deploying(attempt))
    }

    private mutating func stepFailed(_ reason: FailureReason) -> UpdateAction {
        switch state {
        case .checking(let attempt):
            enter(.ending(attempt, reason.refusesAssignment ? .rejected(reason) : .failed(failure(reason))))
        case .downloading(let attempt), .verifying(let attempt), .backingUp(let attempt):
            enter(.ending(attempt, .failed(failure(reason))))
        case .deploying(let attempt), .smokeTesting(let attempt), .onProbation(let attempt):
            enter(.rollingBack(attempt, failure(reason), tries: 0))
        case .rollingBack(let attempt, let failure, let tries):
            tries + 1 < Self.returnLimit
                ? enter(.rollingBack(attempt, failure, tries: tries + 1))
                : enter(.ending(attempt, .stranded(failure)))
        case .idle, .ending, .safe:
            .none
        }
    }

    private mutating func versionMustBeLeft(_ reason: FailureReason, _ local: LocalVersions) -> UpdateAction {
        switch state {
        case .idle:
            guard let attempt = Attempt(leaving: local, assignment: accepted) else { return .none }
            return enter(.rollingBack(attempt, Failure(step: .rollback, reason: reason), tries: 0))
        case .onProbation:
            return stepFailed(reason)
        case .checking, .downloading, .verifying, .backingUp, .deploying, .smokeTesting, .rollingBack, .ending, .safe:
            // These states end soon, and judge the runtime themselves where they touch it.
            return .none
        }
    }

    private mutating func reported() -> UpdateAction {
        guard case .ending(_, let ending) = state else { return .none }
        switch ending {
        case .stranded: state = .safe
        case .succeeded, .restored, .rejected, .failed, .fellBack: state = .idle
        }
        return .none
    }

    private mutating func agentStarted(_ local: LocalVersions) -> UpdateAction {
        switch state {
        case .idle, .safe:
            return .none
        case .checking(let attempt), .downloading(let attempt), .verifying(let attempt), .backingUp(let attempt):
            // Nothing that serves was touched; what was fetched is found again.
            return enter(.checking(attempt))
        case .deploying(let attempt):
            return restarted(
                attempt, into: local.current == attempt.to ? UpdateState.smokeTesting : UpdateState.backingUp)
        case .smokeTesting(let attempt):
            return restarted(attempt, into: UpdateState.smokeTesting)
        case .onProbation(let attempt):
            return restarted(attempt, into: UpdateState.onProbation)
        case .rollingBack(let attempt, let failure, let tries):
            return enter(.rollingBack(attempt, failure, tries: tries))
        case .ending(let attempt, let ending):
            return enter(.ending(attempt, ending))
        }
    }

    // MARK: Transitions

    private mutating func restarted(_ before: Attempt, into next: (Attempt) -> UpdateState) -> UpdateAction {
        var attempt = before
        attempt.boots += 1
        guard attempt.boots <= Self.bootLimit else {
            return enter(.rollingBack(attempt, failure(.interrupted), tries: 0))
        }
        return enter(next(attempt))
    }

    private func failure(_ reason: FailureReason) -> Failure {
        Failure(step: state.step ?? .report, reason: reason)
    }

    /// Enters a state unless the attempt has used up its transitions; then it is broken off the safe way.
    private mutating func enter(_ next: UpdateState) -> UpdateAction {
        state = next.counted()
        guard let attempt = state.attempt, attempt.transitions > Self.transitionLimit else { return state.action }
        switch state {
        case .checking, .downloading, .verifying, .backingUp:
            state = .ending(attempt, .failed(failure(.tooManyTransitions)))
        case .deploying, .smokeTesting, .onProbation:
            state = .rollingBack(attempt, failure(.tooManyTransitions), tries: 0)
        case .rollingBack(_, let failure, _) where attempt.transitions > Self.transitionLimit + 3:
            state = .ending(attempt, .stranded(failure))
        case .rollingBack, .ending, .idle, .safe:
            break
        }
        return state.action
    }
}

extension Attempt {
    /// How an attempt ends after its return: one that had succeeded before has fallen back, another has failed.
    fileprivate func endingAfterReturn(from failure: Failure) -> Ending {
        failure.step == .rollback ? .fellBack(failure.reason) : .failed(failure)
    }
}

extension UpdateState {
    /// The same state with one transition more on its attempt.
    fileprivate func counted() -> UpdateState {
        switch self {
        case .idle, .safe: self
        case .checking(let attempt): .checking(attempt.counted())
        case .downloading(let attempt): .downloading(attempt.counted())
        case .verifying(let attempt): .verifying(attempt.counted())
        case .backingUp(let attempt): .backingUp(attempt.counted())
        case .deploying(let attempt): .deploying(attempt.counted())
        case .smokeTesting(let attempt): .smokeTesting(attempt.counted())
        case .onProbation(let attempt): .onProbation(attempt.counted())
        case .rollingBack(let attempt, let failure, let tries): .rollingBack(attempt.counted(), failure, tries: tries)
        case .ending(let attempt, let ending): .ending(attempt.counted(), ending)
        }
    }

    /// The work of the state.
    fileprivate var action: UpdateAction {
        switch self {
        case .idle, .safe: .none
        case .checking(let attempt): .check(attempt)
        case .downloading(let attempt): .download(attempt)
        case .verifying(let attempt): .verify(attempt)
        case .backingUp(let attempt): .backUp(attempt)
        case .deploying(let attempt): .deploy(attempt)
        case .smokeTesting(let attempt): .smokeTest(attempt)
        case .onProbation(let attempt): .observe(attempt)
        case .rollingBack(let attempt, _, _): .restore(attempt, target: attempt.returnTarget)
        case .ending(let attempt, let ending): .report(attempt, ending)
        }
    }
}

extension Attempt {
    fileprivate func counted() -> Attempt {
        var copy = self
        copy.transitions = transitions == .max ? .max : transitions + 1
        return copy
    }
}

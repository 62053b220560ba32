public import Fleet

/// Where a model slot is in its update.
///
/// Each state is in the journal before its work begins, and its work may be done again after a power cut.
public enum UpdateState: Hashable, Sendable {
    /// Nothing under way. An assignment leads to `checking`; a version that must be left leads to `rollingBack`.
    case idle
    /// Step 1. Leads to `downloading`, for a local backup to `backingUp`; a refusal ends the attempt.
    case checking(Attempt)
    /// Step 2. Leads to `verifying`; a failure ends the attempt.
    case downloading(Attempt)
    /// Step 3. Leads to `backingUp`; a failure ends the attempt.
    case verifying(Attempt)
    /// Step 4. Leads to `deploying`, or ends an attempt that changes only the fallback.
    case backingUp(Attempt)
    /// Step 5, the swap. Leads to `smokeTesting`; a failure to `rollingBack`.
    case deploying(Attempt)
    /// Step 6. Leads to `onProbation`, for a local backup to `ending`; a failure to `rollingBack`.
    case smokeTesting(Attempt)
    /// Step 6, on real traffic. Leads to `ending`; a crash loop to `rollingBack`.
    case onProbation(Attempt)
    /// On the way back; `tries` returns have failed. Leads to `ending`, or tries once more.
    case rollingBack(Attempt, Failure, tries: UInt8)
    /// Step 7: the outcome goes into the outbox. Leads to `idle`, or to `safe` when even the return failed.
    case ending(Attempt, Ending)
    /// Even the return failed: the device serves what it can and waits for an assignment, which leads to `checking`.
    case safe

    /// The attempt under way; nil in `idle` and `safe`.
    public var attempt: Attempt? {
        switch self {
        case .idle, .safe: nil
        case .checking(let attempt), .downloading(let attempt), .verifying(let attempt), .backingUp(let attempt),
            .deploying(let attempt), .smokeTesting(let attempt), .onProbation(let attempt),
            .rollingBack(let attempt, _, _), .ending(let attempt, _):
            attempt
        }
    }

    /// The step under way, as heartbeats tell it; nil when nothing is.
    public var step: UpdateStep? {
        switch self {
        case .idle, .safe: nil
        case .checking: .check
        case .downloading: .download
        case .verifying: .verify
        case .backingUp: .backup
        case .deploying: .deploy
        case .smokeTesting: .smoke
        case .onProbation: .probation
        case .rollingBack: .rollback
        case .ending: .report
        }
    }

    /// Whether a newer assignment may take over at once; elsewhere it waits for the next resting point.
    public var yieldsToAssignment: Bool {
        switch self {
        case .idle, .safe, .checking, .downloading, .verifying, .backingUp, .smokeTesting, .onProbation: true
        case .deploying, .rollingBack, .ending: false
        }
    }
}

/// What happened, as the machine is told.
public enum UpdateEvent: Hashable, Sendable {
    /// A verified assignment arrived, with a number larger than every one before.
    case assignmentReceived(Assignment, LocalVersions)
    /// The work of the current step is done.
    case stepDone
    /// The backup is present, whole and pinned; it is nil only where nothing ran before.
    case backedUp(Digest?)
    /// The work of the current step cannot be done.
    case stepFailed(FailureReason)
    /// The runtime crashed too often.
    case runtimeUnstable(LocalVersions)
    /// The controller was away for too long.
    case contactLost(LocalVersions)
    /// The serving version's bytes are not the signed ones any more.
    case versionDamaged(LocalVersions)
    /// A person at the device wants it back on its last known good.
    case returnOrdered(LocalVersions)
    /// The outcome is in the outbox.
    case reported
    /// The agent started, and found these versions.
    case agentStarted(LocalVersions)
}

/// What to do next.
public enum UpdateAction: Hashable, Sendable {
    /// Nothing: the event changes nothing here.
    case none
    /// Keep the assignment and offer it again when the current attempt has ended.
    case deferAssignment
    /// Step 1: look for refusals and space; answer `stepDone` or `stepFailed`.
    case check(Attempt)
    /// Step 2: fetch what is not sealed; answer `stepDone` or `stepFailed`.
    case download(Attempt)
    /// Step 3: verify and seal; answer `stepDone` or `stepFailed`.
    case verify(Attempt)
    /// Step 4: point `lkg` and re-hash it; answer `backedUp` or `stepFailed`.
    case backUp(Attempt)
    /// Step 5: swap `current` and tell the runtime; answer `stepDone` or `stepFailed`.
    case deploy(Attempt)
    /// Step 6: golden inputs and health; answer `stepDone` or `stepFailed`.
    case smokeTest(Attempt)
    /// Step 6: watch for the probation's time; answer `stepDone`, `stepFailed` or `runtimeUnstable`.
    case observe(Attempt)
    /// Swap `current` to the target, nil for none, and tell the runtime; answer `stepDone` or `stepFailed`.
    case restore(Attempt, target: Digest?)
    /// Step 7: quarantine, last known good, outbox; answer `reported`.
    case report(Attempt, Ending)
}

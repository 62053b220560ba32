public import Fleet

/// One device carrying out one assignment: what the journal keeps of it.
public struct Attempt: Hashable, Sendable {
    /// Which steps the assignment takes.
    public enum Path: UInt8, CaseIterable, Hashable, Sendable {
        /// All of them.
        case install = 1
        /// The version is the local backup: no download, no probation.
        case restore = 2
        /// The version serves already; only the fallback may change.
        case keep = 3
        /// The version serves already and takes all of them once more: a placebo.
        case reinstall = 4
    }

    /// The number of the assignment.
    public var assignment: UInt64
    /// What ran when the attempt began; nil for nothing.
    public var from: Digest?
    /// What is to run.
    public var to: Digest
    /// The fallback the assignment names.
    public var fallback: Digest?
    /// What a failure returns to; set by the backup step, nil before it and on a first install.
    public var backup: Digest?
    /// How long the probation lasts, seconds.
    public var probationSeconds: UInt32
    /// Which steps it takes.
    public var path: Path
    /// Transitions so far; see ``UpdateMachine/transitionLimit``.
    public var transitions: UInt16
    /// Starts of the agent since the new version became current.
    public var boots: UInt16

    /// Begins an attempt at an assignment with what is on the device.
    public init(_ assignment: Assignment, local: LocalVersions) {
        self.assignment = assignment.number
        from = local.current
        to = assignment.run
        fallback = assignment.fallback
        backup = nil
        probationSeconds = assignment.probationSeconds
        transitions = 0
        boots = 0
        if local.current == assignment.run {
            path = assignment.reinstall ? .reinstall : .keep
        } else if local.lastKnownGood == assignment.run && local.sealed.contains(assignment.run) {
            path = .restore
        } else {
            path = .install
        }
    }

    /// The attempt the device makes by itself: leaving `current` for the last known good.
    ///
    /// Nil where there is nothing proven to return to.
    public init?(leaving local: LocalVersions, assignment: UInt64) {
        guard let current = local.current, let lastKnownGood = local.lastKnownGood, current != lastKnownGood else {
            return nil
        }
        self.assignment = assignment
        from = current
        to = current
        fallback = lastKnownGood
        backup = lastKnownGood
        probationSeconds = 0
        path = .install
        transitions = 0
        boots = 0
    }

    init(
        assignment: UInt64, from: Digest?, to: Digest, fallback: Digest?, backup: Digest?, probationSeconds: UInt32,
        path: Path, transitions: UInt16, boots: UInt16
    ) {
        self.assignment = assignment
        self.from = from
        self.to = to
        self.fallback = fallback
        self.backup = backup
        self.probationSeconds = probationSeconds
        self.path = path
        self.transitions = transitions
        self.boots = boots
    }

    /// Where a failure after the swap goes: the backup, else what ran before; nil means no model at all.
    public var returnTarget: Digest? {
        switch path {
        case .restore, .reinstall: to
        case .install, .keep: backup == to ? from : backup ?? from
        }
    }

    /// What the last known good becomes in the backup step, before the swap.
    ///
    /// The fallback changes only by an assignment; a fallback that is the new version itself waits until it has passed.
    /// - Parameter local: what is on the device; a fallback that is not sealed there changes nothing.
    public func lastKnownGoodBeforeSwap(_ local: LocalVersions) -> Digest? {
        guard let fallback, fallback != to, local.sealed.contains(fallback) else { return local.lastKnownGood }
        return fallback
    }

    /// What the last known good becomes when the attempt has succeeded.
    ///
    /// A first install becomes its own fallback; so does a version whose assignment says so.
    public func lastKnownGoodAfterSuccess(_ local: LocalVersions) -> Digest? {
        local.lastKnownGood == nil || fallback == to ? to : local.lastKnownGood
    }
}

/// At which step something went wrong, and why.
public struct Failure: Hashable, Sendable {
    /// The step.
    public var step: UpdateStep
    /// The reason.
    public var reason: FailureReason

    /// Names a failure.
    public init(step: UpdateStep, reason: FailureReason) {
        self.step = step
        self.reason = reason
    }
}

/// How an attempt ended.
public enum Ending: Hashable, Sendable {
    /// The version serves and has passed.
    case succeeded
    /// The local backup serves again, as ordered.
    case restored
    /// The assignment was refused before anything was done.
    case rejected(FailureReason)
    /// The device is on what it ran before.
    case failed(Failure)
    /// The device left the version by itself, after the attempt at it had succeeded.
    case fellBack(FailureReason)
    /// Even the return failed: the device serves what it can and waits for an assignment.
    case stranded(Failure)

    /// The reason, where there is one.
    public var reason: FailureReason? {
        switch self {
        case .succeeded, .restored: nil
        case .rejected(let reason), .fellBack(let reason): reason
        case .failed(let failure), .stranded(let failure): failure.reason
        }
    }

    /// Whether the attempt's version must not be tried again before it is ordered on purpose.
    public var quarantines: Bool {
        switch self {
        case .succeeded, .restored: false
        case .rejected(let reason), .fellBack(let reason): reason.blamesVersion
        case .failed(let failure), .stranded(let failure): failure.reason.blamesVersion
        }
    }
}

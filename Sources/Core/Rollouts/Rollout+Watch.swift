import CanaryAnalysis
public import Fleet

/// What judges a rollout after its promotion, and with which guarantee.
public enum WatchGuarantee: Codable, Hashable, Sendable {
    /// The rest was drawn afresh: so many devices stay behind, so many move, and this share of the error budget is for
    /// comparing them.
    case drawn(held: Int, moved: Int, share: Double)
    /// So many devices were left, which is too few for a draw to decide anything; none is held back.
    case tooFew(left: Int)
    /// The steps have drawn every device.
    case nobodyLeft
    /// The policy holds nobody back, or has no watch.
    case notPlanned

    /// Whether devices are compared during the watch.
    public var isCompared: Bool {
        switch self {
        case .drawn: true
        case .tooFew, .nobodyLeft, .notPlanned: false
        }
    }

    /// A sentence for people.
    public var sentence: String {
        let without =
            "nothing new is compared in the watch: failed updates and absolute limits judge it, and the steps before "
            + "as far as anyone they are compared with still runs the old version"
        switch self {
        case .drawn(let held, let moved, let share):
            return "\(held) of the last \(held + moved) devices, drawn, keep the old version during the watch and are "
                + "compared with the others: harm that begins late can still be found, and a harmless version is taken "
                + "back by this in at most \(Figure.percent(share)) of rollouts"
        case .tooFew(let left):
            return "\(left) \(left == 1 ? "device was" : "devices were") left, too few to hold any back for a "
                + "comparison; \(without)"
        case .nobodyLeft: return "the steps have drawn every device; \(without)"
        case .notPlanned: return "the policy holds no device back; \(without)"
        }
    }
}

extension Rollout {
    /// The version is to reach everybody: who stays behind is drawn first, where the policy wants that.
    mutating func startWatch() -> [RolloutAction] {
        guard policy.plansWatch else {
            guarantee = .notPlanned
            return [.commandRest]
        }
        return [.drawWatch]
    }

    /// Who of the rest stays behind was drawn: from here on the watch is judged like a step.
    ///
    /// - Parameters:
    ///   - cohort: the devices that get the new version now.
    ///   - heldBack: the devices that keep the old one until the watch ends.
    public mutating func watchDrawn(
        cohort: [DeviceID], heldBack held: [DeviceID], at now: Timestamp
    ) -> [RolloutAction] {
        guard state == .watching, guarantee == nil, let promotedAt else { return [] }
        let number = steps.count + 1
        steps.append(
            RolloutStep(
                kind: .watch, number: number, startedAt: now,
                deadlineAt: promotedAt.adding(seconds: policy.watchSeconds), eligible: cohort.count + held.count,
                drawn: cohort.count))
        for device in cohort { members[device] = RolloutMember(step: number, progress: .commanded(at: now)) }
        heldBack = Set(held)
        guarantee = .drawn(
            held: held.count, moved: cohort.count, share: policy.watchPlan(budget: errorBudget).share)
        return [.command(cohort), .commandRest]
    }

    /// Nobody is held back: so many devices were left to draw from, too few for any draw to decide.
    public mutating func watchNotDrawn(left: Int, at now: Timestamp) -> [RolloutAction] {
        guard state == .watching, guarantee == nil else { return [] }
        guarantee = left == 0 ? .nobodyLeft : .tooFew(left: left)
        return [.commandRest]
    }

    /// The watch is over.
    ///
    /// The devices that stayed behind are told first, while the version they come from is still what they fall back to;
    /// then it is nobody's fallback any more.
    mutating func endWatch(at now: Timestamp) -> [RolloutAction] {
        state = .completed
        endedAt = now
        wait = nil
        heldBack = nil
        return [.commandRest, .makeFallback]
    }
}

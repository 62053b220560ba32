import CanaryAnalysis
public import Fleet

/// How often a deployment installs the version its devices run once more, to measure how often the judge is wrong.
///
/// Time is cut into periods of equal length since 1970, and each period has one moment, drawn by a key: a fixed hour
/// would measure the judge at that hour of the day alone.
public struct PlaceboSchedule: Codable, Hashable, Sendable {
    /// What `everyHours` may be.
    public static let hours = 1.0...8760.0

    /// The length of a period in hours: one placebo rollout in each.
    public var everyHours: Double

    /// Makes a schedule.
    public init(everyHours: Double) {
        self.everyHours = everyHours
    }

    /// What is wrong with the schedule; empty when it can be used.
    public var faults: [FieldFault] {
        Self.hours.contains(everyHours)
            ? [] : [FieldFault(field: "placebo.everyHours", remedy: "use 1 to 8760 hours; 168 is a week")]
    }

    /// Whether this period's placebo rollout is to start.
    ///
    /// A moment that passed while the deployment was not settled is made up for as soon as it is.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - last: when the deployment's last placebo rollout started; nil for never.
    ///   - key: determines the moment in every period.
    public func isDue(at now: Timestamp, after last: Timestamp?, key: UInt64) -> Bool {
        guard faults.isEmpty else { return false }
        let period = (now.seconds / seconds).rounded(.down)
        let begins = period * seconds
        guard last.map({ $0.seconds < begins }) ?? true else { return false }
        return now.seconds >= begins + seconds * Self.share(ofPeriod: period, key: key)
    }

    private var seconds: Double { everyHours * 3600 }

    /// Where in its period a placebo rollout starts, in 0 ..< 1.
    private static func share(ofPeriod period: Double, key: UInt64) -> Double {
        var random = KeyedRandom(
            seed: key, purpose: .schedule, stream: UInt32(truncatingIfNeeded: Int64(period)))
        return Double(random.next() >> 11) * 0x1p-53
    }
}

extension Policy {
    /// The probability that the evidence of a placebo rollout looks like harm by its deadline where updating does no
    /// harm, in 0...1, at most: what the first step has spent by then.
    public var placeboErrorShare: Double {
        let plan = testPlan(step: 1, isAfterProof: false)
        return plan.spent(by: plan.deadlineTicks) - plan.updateShare
    }
}

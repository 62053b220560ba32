import RealModule

/// Kayenta's judge of one metric: failure rates by the minute, compared by the interval of Mann and Whitney.
///
/// A metric fails where the interval's lower end (98 %) is above a quarter of the estimated shift. Source: Spinnaker's
/// documentation of the judge and its `MannWhitneyClassifier`; the interval by order statistics of the pairwise
/// differences, as in Hollander and Wolfe, section 4.3.
struct KayentaRule: RivalJudge {
    private let everySeconds: Double
    private var canary: [Double] = []
    private var baseline: [Double] = []
    private var minute = (canary: ArmCounts(), baseline: ArmCounts())

    init(everySeconds: Double) {
        self.everySeconds = everySeconds
    }

    mutating func endTick(_ tick: RivalTick) -> Bool {
        minute.canary += tick.canary
        minute.baseline += tick.baseline
        guard tick.seconds.truncatingRemainder(dividingBy: 60) == 0 else { return false }
        if minute.canary.requests > 0 { canary.append(minute.canary.failures / minute.canary.requests) }
        if minute.baseline.requests > 0 { baseline.append(minute.baseline.failures / minute.baseline.requests) }
        minute = (ArmCounts(), ArmCounts())
        guard tick.seconds.truncatingRemainder(dividingBy: everySeconds) == 0 else { return false }
        return Self.isHigh(canary: canary, baseline: baseline)
    }

    static func isHigh(canary: [Double], baseline: [Double]) -> Bool {
        guard let shift = Shift(canary, against: baseline) else { return false }
        return shift.lower > 0.25 * abs(shift.estimate)
    }

    /// By how much one sample is above another: the estimate of Hodges and Lehmann, and the lower end of its interval.
    struct Shift {
        let estimate: Double
        let lower: Double

        init?(_ sample: [Double], against other: [Double]) {
            guard !sample.isEmpty, !other.isEmpty else { return nil }
            let differences = sample.flatMap { value in other.map { value - $0 } }.sorted()
            let m = Double(sample.count)
            let n = Double(other.count)
            let middle = differences.count / 2
            estimate =
                differences.count % 2 == 1
                ? differences[middle] : (differences[middle - 1] + differences[middle]) / 2
            // 2.326348 is the 99 % point of the normal distribution: 1 % on either side.
            let place = m * n / 2 - 2.326_348 * Double.sqrt(m * n * (m + n + 1) / 12)
            lower = place >= 1 ? differences[Int(place.rounded()) - 1] : -.infinity
        }
    }
}

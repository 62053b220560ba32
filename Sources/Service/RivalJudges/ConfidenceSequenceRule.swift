import CanaryAnalysis
import RealModule
import RecordedFleets

/// GrowthBook's sequential test of a ratio metric: devices are the units, failures per request the metric, variances
/// by the delta method, and the interval that of an asymptotic confidence sequence.
///
/// Rolls back where the lower end of the relative difference is above zero. Source: GrowthBook's documentation of
/// sequential testing; Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and
/// asymptotic confidence sequences", 2021.
struct ConfidenceSequenceRule: RivalJudge {
    /// The number of units at which the interval is tightest: GrowthBook's default.
    private static let tuning = 5_000.0

    private let alpha: Double
    private var requests: [Double]
    private var failures: [Double]

    init(devices: Int, alpha: Double) {
        self.alpha = alpha
        requests = [Double](repeating: 0, count: devices)
        failures = requests
    }

    mutating func endTick(_ tick: RivalTick) -> Bool {
        for row in tick.rows {
            requests[row.device] += row.measurements.requests
            failures[row.device] += row.measurements.failures
        }
        let canary = arm(tick.isCanary, true)
        let baseline = arm(tick.isCanary, false)
        guard let canary, let baseline, baseline.mean > 0 else { return false }
        let lift = canary.mean / baseline.mean - 1
        let ratio = canary.mean / baseline.mean
        let variance =
            (canary.variance / canary.count + ratio * ratio * baseline.variance / baseline.count)
            / (baseline.mean * baseline.mean)
        let units = canary.count + baseline.count
        return lift > Self.halfWidth(variance: variance * units, units: units, alpha: alpha)
    }

    /// Half the width of the interval of a mean of so many units with this variance each.
    static func halfWidth(variance: Double, units: Double, alpha: Double) -> Double {
        let square = (-2 * Double.log(alpha) + Double.log(1 - 2 * Double.log(alpha))) / tuning
        let grown = units * square + 1
        return Double.sqrt(
            variance * 2 * grown / (units * units * square) * Double.log(Double.sqrt(grown) / alpha))
    }

    /// The ratio of an arm's failures to its requests, and the variance of one device's part in it.
    private func arm(_ isCanary: [Bool], _ side: Bool) -> (mean: Double, variance: Double, count: Double)? {
        var count = 0.0
        var (x, y) = (0.0, 0.0)
        for device in isCanary.indices where isCanary[device] == side && requests[device] > 0 {
            count += 1
            x += failures[device]
            y += requests[device]
        }
        guard count > 1, y > 0 else { return nil }
        let mean = x / y
        var squares = 0.0
        for device in isCanary.indices where isCanary[device] == side && requests[device] > 0 {
            let strayed = failures[device] - mean * requests[device]
            squares += strayed * strayed
        }
        let perDevice = y / count
        return (mean, squares / (count - 1) / (perDevice * perDevice), count)
    }
}

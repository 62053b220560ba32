/// What each device is expected to fail of itself: its own history, drawn towards the fleet's as far as it is thin.
///
/// Every expectation is scaled by the fleet factor of its tick, so only the ratios between devices matter here.
struct HistoryOffset {
    /// The expected share of failures of each device, above 0.
    let rates: [Double]

    /// Makes the offsets from each device's history of one metric.
    init(_ history: [Tally]) {
        let requests = history.reduce(0) { $0 + $1.count }
        let failures = history.reduce(0) { $0 + $1.total }
        // Half a failure keeps the share above zero where nothing ever failed.
        let mean = (failures + 0.5) / (requests + 1)
        let weight = Self.priorWeight(history, mean: mean, requests: requests)
        rates = history.map { device in
            device.count > 0 ? (device.total + weight * mean) / (device.count + weight) : mean
        }
    }

    /// How many requests of the fleet's mean a device's own history weighs against: the sum of the beta distribution's
    /// parameters, by moments (analysis of variance between devices).
    private static func priorWeight(
        _ history: [Tally], mean: Double, requests: Double
    ) -> Double {
        let known = history.filter { $0.count > 0 }
        guard known.count > 1, requests > 0, mean > 0, mean < 1 else { return largestWeight }
        let between = known.reduce(0) { sum, device in
            let difference = device.total / device.count - mean
            return sum + device.count * difference * difference
        }
        let variance = mean * (1 - mean)
        let squares = known.reduce(0) { $0 + $1.count * $1.count }
        let spread = (between - Double(known.count - 1) * variance) / (requests - squares / requests)
        guard spread > variance / largestWeight else { return largestWeight }
        return max(1, variance / spread - 1)
    }

    private static let largestWeight = 1e6
}

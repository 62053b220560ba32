/// What each device is expected to measure of itself: its own history, drawn towards the list's as far as it is thin.
///
/// Every expectation is moved by the fleet's factor of its tick, so only the differences between devices matter here.
struct HistoryOffset {
    /// The expected share (above 0) or mean of each device.
    let offsets: [Double]

    /// Makes the offsets from each device's history of one metric; a device without any takes its stratum's.
    init(_ history: [Tally], kind: MetricPlan.Kind, strata: [Int]) {
        switch kind {
        case .share: offsets = Self.shares(history, strata: strata)
        case .mean: offsets = Self.means(history, strata: strata)
        }
    }

    private static func shares(_ history: [Tally], strata: [Int]) -> [Double] {
        var whole = Tally()
        for tally in history { whole += tally }
        // Half a failure keeps the share above zero where nothing ever failed.
        let mean = (whole.total + 0.5) / (whole.count + 1)
        let weight = priorWeight(history, mean: mean, requests: whole.count)
        // Thin histories of a device and of a stratum are drawn alike, so that a device that just began to count is
        // expected to be like the ones that have not begun.
        func drawn(_ known: Tally) -> Double { (known.total + weight * mean) / (known.count + weight) }
        let ofStratum = sums(history, strata: strata).map(drawn)
        return history.indices.map { index in
            history[index].count > 0 ? drawn(history[index]) : ofStratum[strata[index]]
        }
    }

    private static func means(_ history: [Tally], strata: [Int]) -> [Double] {
        var whole = Tally()
        for tally in history { whole += tally }
        guard let mean = whole.mean else { return history.map { _ in 0 } }
        let weight = meanPriorWeight(history, mean: mean)
        func drawn(_ known: Tally) -> Double {
            known.count > 0 ? (known.total + weight * mean) / (known.count + weight) : mean
        }
        let ofStratum = sums(history, strata: strata).map(drawn)
        return history.indices.map { index in
            history[index].count > 0 ? drawn(history[index]) : ofStratum[strata[index]]
        }
    }

    /// How many measurements of the list's mean a device's own history weighs against: the variance inside devices over
    /// that between them.
    ///
    /// A history keeps no squares, but the square of a device's distance from the list's mean is on average the
    /// variance between devices plus that inside over its count. Devices with short and with long histories, averaged
    /// apart, are two equations for the two (the method of groups: Wald, "The fitting of straight lines if both
    /// variables are subject to error", 1940). At most the middle count: half of the devices keep at least half of
    /// what they measured.
    private static func meanPriorWeight(_ history: [Tally], mean: Double) -> Double {
        let known = history.filter { $0.count > 0 }.sorted { ($0.count, $0.total) < ($1.count, $1.total) }
        guard known.count >= smallestGroup * 2 else { return 0 }
        func averages(_ group: ArraySlice<Tally>) -> (square: Double, thinness: Double) {
            let squares = group.reduce(0.0) { sum, device in
                let distance = device.total / device.count - mean
                return sum + distance * distance
            }
            let thinness = group.reduce(0.0) { $0 + 1 / $1.count }
            return (squares / Double(group.count), thinness / Double(group.count))
        }
        let (short, long) = (averages(known.prefix(known.count / 2)), averages(known.suffix(known.count / 2)))
        guard short.thinness > long.thinness, short.square > long.square else { return 0 }
        let inside = (short.square - long.square) / (short.thinness - long.thinness)
        let between = long.square - inside * long.thinness
        let middle = known[known.count / 2].count
        return between > 0 ? min(middle, inside / between) : middle
    }

    /// Fewer devices than this on either side say too little about their variance.
    private static let smallestGroup = 10

    private static func sums(_ history: [Tally], strata: [Int]) -> [Tally] {
        var sums = [Tally](repeating: Tally(), count: (strata.max() ?? -1) + 1)
        for (tally, stratum) in zip(history, strata) { sums[stratum] += tally }
        return sums
    }

    /// How many requests of the fleet's mean a device's own history weighs against: the sum of the beta distribution's
    /// parameters, by moments (analysis of variance between devices).
    private static func priorWeight(_ history: [Tally], mean: Double, requests: Double) -> Double {
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

/// Latency histograms of a list's history: where its quantiles are, and what "so many times slower" would mean.
struct LatencyHistory {
    /// A quantile that is judged.
    struct Quantile {
        let name: String
        let level: Double
    }

    /// The median sees shifts soonest, the high ones see slow tails.
    static let quantiles = [
        Quantile(name: "latency_p50", level: 0.5), Quantile(name: "latency_p90", level: 0.9),
        Quantile(name: "latency_p99", level: 0.99),
    ]

    private let bounds: [Double]
    private let all: [Double]
    private let byStratum: [[Double]]

    /// Whether any latency was measured.
    var isKnown: Bool { all.contains { $0 > 0 } }

    init(bounds: [Double], histories: [Measurements], strata: [Int]) {
        self.bounds = bounds
        let none = [Double](repeating: 0, count: bounds.count + 1)
        var all = none
        var byStratum = [[Double]](repeating: none, count: (strata.max() ?? -1) + 1)
        for (history, stratum) in zip(histories, strata) {
            for (index, count) in history.latency.prefix(none.count).enumerated() {
                all[index] += count
                byStratum[stratum][index] += count
            }
        }
        self.all = all
        self.byStratum = byStratum
    }

    /// The first bucket above the quantile, one per stratum; a stratum without history takes that of all.
    func firstSlowBucket(_ quantile: Quantile) -> [Int] {
        byStratum.map { own in
            let counts = own.contains { $0 > 0 } ? own : all
            let wanted = quantile.level * counts.reduce(0, +)
            var below = 0.0
            for (index, count) in counts.enumerated() {
                below += count
                // Something must be left above, or the share could only ever be zero.
                if below >= wanted { return min(index + 1, counts.count - 1) }
            }
            return counts.count - 1
        }
    }

    /// By how many points the share above the quantile's bound grows if everything takes `factor` times as long.
    func excess(of quantile: Quantile, slower factor: Double) -> Double {
        let total = all.reduce(0, +)
        guard total > 0, let cut = bound(before: quantile) else { return 0 }
        return max(0, share(above: cut / factor) - share(above: cut))
    }

    private func bound(before quantile: Quantile) -> Double? {
        let wanted = quantile.level * all.reduce(0, +)
        var below = 0.0
        for (index, bound) in bounds.enumerated() {
            below += all[index]
            if below >= wanted { return bound }
        }
        return bounds.last
    }

    /// The share of requests slower than `time`, straight between the bounds.
    private func share(above time: Double) -> Double {
        var above = 0.0
        var lower = 0.0
        for (index, count) in all.enumerated() {
            guard index < bounds.count else {
                above += count
                break
            }
            let upper = bounds[index]
            if lower >= time {
                above += count
            } else if upper > time {
                above += count * (upper - time) / (upper - lower)
            }
            lower = upper
        }
        return above / all.reduce(0, +)
    }
}

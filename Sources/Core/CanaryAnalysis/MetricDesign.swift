/// What a step judges and how measurements become the tallies it is judged by; frozen when the step is drawn.
///
/// Latency enters as three shares, "slower than the history's median, 90th and 99th percentile": they need bucket
/// counters only, which add up and survive restarts, and the device stays the unit. The percentiles are those of the
/// device's stratum, moved up to a bucket's bound. "At most so many times slower" is translated into points through the
/// histogram of the history.
public struct MetricDesign: Codable, Hashable, Sendable {
    /// One plan per judged metric.
    public let plans: [MetricPlan]
    private let sources: [Source]
    private let strata: [Int]

    private enum Source: Codable, Hashable, Sendable {
        case failures
        /// The first latency bucket that is too slow, one per stratum.
        case slow(from: [Int])
        case share(Int)
        case mean(Int)
    }

    /// Designs what is judged.
    ///
    /// - Parameters:
    ///   - policies: the policy's metrics; `failures` is watched where it is not named, and so is all that was measured
    ///     and is not named.
    ///   - names: what is measured.
    ///   - histories: what each device of the list measured before, on the version the rollout comes from.
    ///   - strata: the stratum of each device.
    public init(policies: [MetricPolicy], names: MeasurementNames, histories: [Measurements], strata: [Int]) {
        var whole = Measurements()
        for history in histories { whole += history }
        let latency = LatencyHistory(bounds: names.latencyBounds, histories: histories, strata: strata)
        var plans: [MetricPlan] = []
        var sources: [Source] = []
        func add(_ name: String, _ source: Source, kind: MetricPlan.Kind, group: MetricPlan.Group) {
            let policy = policies.first { $0.name == name } ?? MetricPolicy(name: name, mode: .watch)
            guard policy.mode != .ignore else { return }
            let history: Tally =
                switch source {
                case .failures: Tally(count: whole.requests, total: whole.failures)
                case .share(let index): index < whole.shares.count ? whole.shares[index] : Tally()
                case .mean(let index): index < whole.means.count ? whole.means[index] : Tally()
                case .slow: Tally()
                }
            plans.append(
                MetricPlan(
                    name: name, kind: kind, harm: policy.harm, group: group,
                    mode: policy.mode == .guard ? .guard : .watch,
                    margin: Self.margin(policy, kind: kind, history: history.mean ?? 0), limit: policy.limit,
                    mayLackData: policy.onNoData == .ignore))
            sources.append(source)
        }
        add("failures", .failures, kind: .share, group: .failures)
        for quantile in LatencyHistory.quantiles where latency.isKnown {
            let policy = policies.first { $0.name == quantile.name } ?? policies.first { $0.name == "latency" }
            let mode = policy?.mode ?? .watch
            guard mode != .ignore else { continue }
            let standard = policy ?? MetricPolicy(name: "latency")
            plans.append(
                MetricPlan(
                    name: quantile.name, harm: .up, group: .latency, mode: mode == .guard ? .guard : .watch,
                    margin: .absolute(
                        max(
                            standard.absoluteTolerance,
                            latency.excess(of: quantile, slower: standard.relativeTolerance))),
                    limit: standard.limit, mayLackData: standard.onNoData == .ignore))
            sources.append(.slow(from: latency.firstSlowBucket(quantile)))
        }
        for (index, name) in names.shares.enumerated() {
            add(name, .share(index), kind: .share, group: .answers)
        }
        for (index, name) in names.means.enumerated() {
            let isAnswer = name == "confidence" || name == "accuracy"
            add(name, .mean(index), kind: .mean, group: isAnswer ? .answers : .resources)
        }
        self.plans = plans
        self.sources = sources
        self.strata = strata
    }

    /// The wider of a policy's two tolerances, given the history's share or mean.
    private static func margin(_ policy: MetricPolicy, kind: MetricPlan.Kind, history: Double) -> Margin {
        switch (kind, policy.harm) {
        case (.mean, _), (.share, .either):
            .absolute(max(policy.absoluteTolerance, (policy.relativeTolerance - 1) * abs(history)))
        case (.share, .up):
            MetricPlan.wider(
                relative: policy.relativeTolerance, absolute: policy.absoluteTolerance, history: history)
        case (.share, .down):
            // Less is worse: what is missing to all of the requests is what grows.
            MetricPlan.wider(
                relative: policy.relativeTolerance, absolute: policy.absoluteTolerance, history: 1 - history)
        }
    }

    /// One tally per plan, of one device's measurements.
    public func tallies(_ measurements: Measurements, of device: Int) -> [Tally] {
        sources.map { source in
            switch source {
            case .failures:
                Tally(count: measurements.requests, total: measurements.failures)
            case .slow(let from):
                Tally(
                    count: measurements.latency.reduce(0, +),
                    total: measurements.latency.dropFirst(from[strata[device]]).reduce(0, +))
            case .share(let index):
                index < measurements.shares.count ? measurements.shares[index] : Tally()
            case .mean(let index):
                index < measurements.means.count ? measurements.means[index] : Tally()
            }
        }
    }
}

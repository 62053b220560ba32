public import CanaryAnalysis
public import Fleet
import Rollouts

/// Everything one device measured on one version, by name: what a history holds, and what a tick's counts become.
///
/// Unlike ``Measurements``, which a step's names put in order, it goes on when the names change.
public struct NamedMeasurements: Codable, Hashable, Sendable {
    /// Requests finished, failed ones included.
    public private(set) var requests = 0.0
    /// Failures among them.
    public private(set) var failures = 0.0
    /// Requests by latency: one count per bound of the shared list, then one for everything slower.
    public private(set) var latency: [Double] = []
    /// Answers that were put into a class.
    public private(set) var answers = 0.0
    /// Answers by class.
    public private(set) var classes: [String: Double] = [:]
    /// Other shares by name.
    public private(set) var shares: [String: Tally] = [:]
    /// Means by name.
    public private(set) var means: [String: Tally] = [:]

    /// Measures nothing.
    public init() {}

    /// What runtimes counted.
    public init(_ totals: RuntimeTotals) {
        requests = Double(totals.requests)
        failures = Double(totals.allFailures)
        latency = totals.latencyBuckets.map { Double($0) }
        answers = Double(totals.answers)
        classes = totals.classes.mapValues { Double($0) }
        shares = totals.shares.mapValues { Tally(count: Double($0.of), total: Double($0.counted)) }
        means = totals.means.mapValues { Tally(count: Double($0.count), total: $0.sum) }
    }

    /// Adds what was measured beside it.
    public mutating func add(_ other: NamedMeasurements) {
        combine(other, +) { own, other in Tally(count: own.count + other.count, total: own.total + other.total) }
    }

    /// Takes back what was measured too much; nothing falls below zero.
    mutating func subtract(_ other: NamedMeasurements) {
        combine(other, { max(0, $0 - $1) }) { own, other in
            let count = max(0, own.count - other.count)
            return count > 0 ? Tally(count: count, total: own.total - other.total) : Tally()
        }
    }

    /// The same measurements, worth a part of what they were.
    func scaled(by factor: Double) -> NamedMeasurements {
        guard factor != 1 else { return self }
        func scaled(_ tally: Tally) -> Tally { Tally(count: tally.count * factor, total: tally.total * factor) }
        var scaledOne = NamedMeasurements()
        scaledOne.requests = requests * factor
        scaledOne.failures = failures * factor
        scaledOne.latency = latency.map { $0 * factor }
        scaledOne.answers = answers * factor
        scaledOne.classes = classes.mapValues { $0 * factor }
        scaledOne.shares = shares.mapValues(scaled)
        scaledOne.means = means.mapValues(scaled)
        return scaledOne
    }

    /// The same measurements, but no more of anything than there is in `bound`.
    func limited(to bound: NamedMeasurements) -> NamedMeasurements {
        var limited = NamedMeasurements()
        func limit(_ tally: Tally, _ most: Tally?) -> Tally {
            let count = min(tally.count, most?.count ?? 0)
            return count > 0 ? Tally(count: count, total: tally.total * count / tally.count) : Tally()
        }
        limited.requests = min(requests, bound.requests)
        limited.failures = min(failures, bound.failures)
        limited.latency = zip(latency, bound.latency).map { min($0, $1) }
        limited.answers = min(answers, bound.answers)
        for (name, count) in classes { limited.classes[name] = min(count, bound.classes[name] ?? 0) }
        for (name, tally) in shares { limited.shares[name] = limit(tally, bound.shares[name]) }
        for (name, tally) in means { limited.means[name] = limit(tally, bound.means[name]) }
        return limited
    }

    /// The measurements in the order of a step's names.
    func measurements(_ names: MeasurementNames) -> Measurements {
        Measurements(
            requests: requests, failures: failures, latency: latency,
            shares: names.shares.map { name in
                guard name.hasPrefix(MeasurementName.classPrefix) else { return shares[name] ?? Tally() }
                let label = String(name.dropFirst(MeasurementName.classPrefix.count))
                return Tally(count: answers, total: classes[label] ?? 0)
            }, means: names.means.map { means[$0] ?? Tally() })
    }

    private mutating func combine(
        _ other: NamedMeasurements, _ numbers: (Double, Double) -> Double, _ tallies: (Tally, Tally) -> Tally
    ) {
        requests = numbers(requests, other.requests)
        failures = numbers(failures, other.failures)
        answers = numbers(answers, other.answers)
        for (index, count) in other.latency.enumerated() {
            if index == latency.count { latency.append(0) }
            latency[index] = numbers(latency[index], count)
        }
        for (name, count) in other.classes { classes[name] = numbers(classes[name] ?? 0, count) }
        for (name, tally) in other.shares { shares[name] = tallies(shares[name] ?? Tally(), tally) }
        for (name, tally) in other.means { means[name] = tallies(means[name] ?? Tally(), tally) }
    }
}

extension MeasurementNames {
    /// The names that a step judges: what the devices of its list have measured, and what its policy guards.
    ///
    /// At most ``MeasurementName/limit`` of them, those that the policy names before others, sorted by name.
    init(measuredIn histories: [NamedMeasurements], policies: [MetricPolicy], latencyBounds: [Double]) {
        var shares: Set<String> = []
        var means: Set<String> = []
        for history in histories {
            shares.formUnion(history.classes.keys.map { MeasurementName.classPrefix + $0 })
            shares.formUnion(history.shares.keys)
            means.formUnion(history.means.keys)
        }
        for policy in policies where policy.mode == .guard {
            switch MetricPolicy.source(of: policy.name) {
            case .share: shares.insert(policy.name)
            case .mean where !shares.contains(policy.name): means.insert(policy.name)
            case .mean, .counted: break
            }
        }
        let ignored = Set(policies.filter { $0.mode == .ignore }.map(\.name))
        let named = Set(policies.map(\.name))
        let all = shares.union(means).subtracting(ignored)
        let chosen = Set(
            (all.intersection(named).sorted() + all.subtracting(named).sorted()).prefix(MeasurementName.limit))
        self.init(
            latencyBounds: latencyBounds, shares: shares.intersection(chosen).sorted(),
            means: means.subtracting(shares).intersection(chosen).sorted())
    }
}

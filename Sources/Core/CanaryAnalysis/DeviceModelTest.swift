import RealModule

/// A test by a model of devices, for cohorts that nobody drew: each device fails by its own gamma-distributed factor,
/// the fleet's level is fitted tick by tick, and a bet is made on ratios from 1.1 to 20.
///
/// It is valid only as far as the model is, so it is evidence to show beside the permutation test and decides alone
/// where a person picked the canaries. Source: a profile likelihood of the gamma-Poisson model, averaged over ratios
/// (Ville's inequality for the average).
struct DeviceModelTest: Sendable {
    private static let ratios = [1.1, 1.25, 1.5, 2, 3, 5, 10, 20]
    /// The factor's variance is at least this.
    private static let smallestSpread = 0.04

    /// ln of the bet's gain so far.
    private(set) var evidence = 0.0

    private let offsets: [Double]
    /// The unit of each device; nil where it is the device.
    private let unitOf: [Int]?
    /// Of each unit, as all that follows.
    private let isCanary: [Bool]
    private let cap: Double
    /// 1 / variance of a device's factor, frozen at the first tick that counts.
    private var shape: Double?
    private var observed: [Double]
    private var commanded: [Double]
    private var plain: [Double]
    /// Per ratio: the expectation of every device, and the failures' share of the likelihood.
    private var tilted: [[Double]]
    private var gains: [[Double]]

    init(_ experiment: StepExperiment, units: Units? = nil) {
        let history = experiment.devices.map { $0.history.first ?? Tally() }
        offsets =
            experiment.metrics.first?.kind == .share
            ? HistoryOffset(history, kind: .share, strata: experiment.devices.map(\.stratum)).offsets : []
        let isCanary = experiment.devices.map(\.isCanary)
        unitOf = units?.ofDevice
        self.isCanary = units?.firsts(isCanary) ?? isCanary
        cap = -Double.log(experiment.plan.share) / 3
        observed = [Double](repeating: 0, count: offsets.isEmpty ? 0 : self.isCanary.count)
        commanded = observed
        plain = observed
        tilted = [[Double]](repeating: observed, count: Self.ratios.count)
        gains = tilted
    }

    /// Credits a tick.
    mutating func credit(_ evidence: TickEvidence, counted: [Bool]) {
        guard !offsets.isEmpty else { return }
        let entries = evidence.observations.compactMap { one -> Entry? in
            guard one.wasHeard, one.device < offsets.count, counted[one.device] else { return nil }
            let tally = Tally(
                count: (one.old.first?.count ?? 0) + (one.new.first?.count ?? 0),
                total: (one.old.first?.total ?? 0) + (one.new.first?.total ?? 0))
            let unit = unitOf?[one.device] ?? one.device
            return Entry(
                unit: unit, failures: tally.total, expected: tally.count * offsets[one.device],
                isTilted: isCanary[unit] && one.isCommanded)
        }
        let failures = entries.reduce(0) { $0 + $1.failures }
        let canary = entries.reduce(0) { $0 + ($1.isTilted ? $1.expected : 0) }
        let others = entries.reduce(0) { $0 + ($1.isTilted ? 0 : $1.expected) }
        guard canary + others > 0, failures > 0 else { return }
        let level = failures / (canary + others)
        for entry in entries {
            observed[entry.unit] += entry.failures
            if entry.isTilted { commanded[entry.unit] += entry.failures }
            plain[entry.unit] += level * entry.expected
        }
        for (place, ratio) in Self.ratios.enumerated() {
            let tiltedLevel = failures / (others + ratio * canary)
            let gain = Double.log(tiltedLevel / level)
            for entry in entries {
                gains[place][entry.unit] += entry.failures * gain
                tilted[place][entry.unit] += tiltedLevel * (entry.isTilted ? ratio : 1) * entry.expected
            }
        }
        if shape == nil {
            shape = 1 / max(Self.smallestSpread, CountScores(observed: observed, expected: plain).spread)
        }
        self.evidence = bet(shape: shape ?? 1)
    }

    private struct Entry {
        let unit: Int
        let failures: Double
        let expected: Double
        /// Whether the ratio would apply to it.
        let isTilted: Bool
    }

    /// ln of the mean over the ratios of the likelihood ratio, in which no canary counts for more than a third of the
    /// bound.
    private func bet(shape: Double) -> Double {
        let logs = Self.ratios.indices.map { place -> Double in
            let logRatio = Double.log(Self.ratios[place])
            var sum = 0.0
            for index in plain.indices where plain[index] > 0 {
                let one =
                    gains[place][index] + commanded[index] * logRatio + (observed[index] + shape)
                    * (Double.log(shape + plain[index]) - Double.log(shape + tilted[place][index]))
                sum += isCanary[index] ? min(one, cap) : one
            }
            return sum
        }
        guard let largest = logs.max() else { return 0 }
        return largest
            + Double.log(logs.reduce(0) { $0 + Double.exp($1 - largest) } / Double(Self.ratios.count))
    }
}

public import CanaryAnalysis
import FleetSimulation
public import RivalJudges

/// All runs of a case, in their order.
public struct CaseResult: Sendable {
    /// The case.
    public let benchmarkCase: BenchmarkCase
    /// Its runs.
    public let runs: [BenchmarkRun]

    /// Collects runs.
    public init(_ benchmarkCase: BenchmarkCase, runs: [BenchmarkRun]) {
        self.benchmarkCase = benchmarkCase
        self.runs = runs
    }

    /// Runs in which the version was taken back.
    public var rolledBack: ExactBinomial { ExactBinomial(runs.count { $0.rolledBack != nil }, of: runs.count) }

    /// Runs in which harm was found, and not before there was any.
    public var found: ExactBinomial {
        ExactBinomial(runs.count { $0.rolledBack != nil && !$0.wasEarly }, of: runs.count)
    }

    /// Runs in which it was found within so many minutes.
    public func found(within minutes: Double) -> ExactBinomial {
        ExactBinomial(runs.count { !$0.wasEarly && ($0.rolledBack ?? .infinity) <= minutes }, of: runs.count)
    }

    /// The time within which this share of all runs was taken back; nil where fewer ever were.
    public func rollbackMinutes(_ share: Double) -> Double? {
        Self.quantile(share, of: runs.map { $0.wasEarly ? nil : $0.rolledBack })
    }

    /// Runs whose first step was proven.
    public var promoted: ExactBinomial {
        ExactBinomial(runs.count { $0.proven.first.flatMap { $0 } != nil }, of: runs.count)
    }

    /// Runs in which every planned step was proven.
    public var completed: ExactBinomial {
        let planned = benchmarkCase.fleet.steps.count
        return ExactBinomial(
            runs.count { $0.proven.count == planned && $0.proven.allSatisfy { $0 != nil } }, of: runs.count)
    }

    /// Runs in which any step was proven.
    public var anyProven: ExactBinomial {
        ExactBinomial(runs.count { $0.proven.contains { $0 != nil } }, of: runs.count)
    }

    /// The time within which this share of all steps that were drawn was proven; nil where fewer ever were.
    public func proofMinutes(_ share: Double) -> Double? {
        Self.quantile(share, of: runs.flatMap(\.proven))
    }

    /// Of the runs that were taken back those that named this class.
    public func named(_ suspect: String) -> ExactBinomial {
        ExactBinomial(runs.count { $0.rolledBack != nil && $0.suspect == suspect }, of: rolledBack.successes)
    }

    /// Of the runs that were taken back those that named any class.
    public var namedAny: ExactBinomial {
        ExactBinomial(runs.count { $0.rolledBack != nil && $0.suspect != nil }, of: rolledBack.successes)
    }

    /// Runs in which a rival took the version back; nil where it did not judge.
    public func rolledBack(by rival: Rival) -> ExactBinomial? {
        guard let index = benchmarkCase.rivals.firstIndex(of: rival) else { return nil }
        return ExactBinomial(runs.count { $0.rivals[index] != nil }, of: runs.count)
    }

    /// The time within which a rival took this share of all runs back; nil where it did not.
    public func rollbackMinutes(_ share: Double, by rival: Rival) -> Double? {
        guard let index = benchmarkCase.rivals.firstIndex(of: rival) else { return nil }
        return Self.quantile(share, of: runs.map { $0.rivals[index] })
    }

    /// A quantile of times; what never happened took longer than all that did.
    static func quantile(_ share: Double, of times: [Double?]) -> Double? {
        let sorted = times.compactMap { $0 }.sorted()
        let place = Int((share * Double(times.count)).rounded(.up)) - 1
        return place >= 0 && place < sorted.count ? sorted[place] : nil
    }
}

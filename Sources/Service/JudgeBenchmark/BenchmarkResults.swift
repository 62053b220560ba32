import CanaryAnalysis

/// Everything a run of the benchmark came to.
public struct BenchmarkResults: Sendable {
    /// How bars are applied.
    public enum Extent: String, Sendable {
        /// Enough runs: what was seen must meet the bar.
        case full
        /// Few runs: what was seen must not be significantly (1 %) on the wrong side of the bar.
        case quick
    }

    /// How bars are applied.
    public let extent: Extent
    /// The benchmark's seed.
    public let seed: UInt64
    /// The cases that ran, in the order of the table.
    public let cases: [CaseResult]
    /// What came of the faults; empty where they were not tried.
    public let faults: [DataFaultResult]
    /// Forecasts and what the judge did; empty where they were not compared.
    public let forecasts: [ForecastCheck.Result]
    /// What judging costs; empty where it was not measured.
    public let costs: [CostFigure]

    /// Collects results.
    public init(
        _ extent: Extent, seed: UInt64, cases: [CaseResult], faults: [DataFaultResult] = [],
        forecasts: [ForecastCheck.Result] = [], costs: [CostFigure] = []
    ) {
        self.extent = extent
        self.seed = seed
        self.cases = cases.filter { !$0.runs.isEmpty }
        self.faults = faults
        self.forecasts = forecasts
        self.costs = costs
    }

    /// The case of a name, if it ran.
    public subscript(name: String) -> CaseResult? { cases.first { $0.benchmarkCase.name == name } }
}

/// Something the benchmark holds the judge to.
public struct Claim: Sendable {
    /// How a claim stands.
    public enum Standing: String, Sendable {
        /// The bar is met.
        case met
        /// It is not.
        case notMet = "not met"
        /// Nothing ran that could say so.
        case notChecked = "not checked"
    }

    /// What came of it.
    public struct Outcome: Sendable {
        /// How it stands.
        public var standing: Standing
        /// The figures it stands on.
        public var figure: String
    }

    /// What is claimed, with its bar.
    public let sentence: String
    let check: @Sendable (BenchmarkResults) -> Outcome

    /// Holds it against results.
    public func outcome(_ results: BenchmarkResults) -> Outcome { check(results) }

    init(_ sentence: String, _ check: @escaping @Sendable (BenchmarkResults) -> Outcome) {
        self.sentence = sentence
        self.check = check
    }

    /// A claim about one case, of several bars that must all be met.
    init(_ sentence: String, of name: String, _ bars: @escaping @Sendable (CaseResult) -> [Bar]) {
        self.init(sentence, ofAll: [name]) { bars($0[0]) }
    }

    /// A claim about several cases, each of which must have run.
    init(_ sentence: String, ofAll names: [String], _ bars: @escaping @Sendable ([CaseResult]) -> [Bar]) {
        self.init(sentence) { results in
            let cases = names.compactMap { results[$0] }
            guard cases.count == names.count else { return Outcome(standing: .notChecked, figure: "") }
            let bars = bars(cases)
            let isMet = bars.allSatisfy { $0.isMet(results.extent) }
            return Outcome(
                standing: isMet ? .met : .notMet, figure: bars.map(\.figure).joined(separator: "; "))
        }
    }
}

/// One bar of a claim.
enum Bar: Sendable {
    /// At least this share of runs.
    case atLeast(Double, ExactBinomial, of: String)
    /// At most this share of runs.
    case atMost(Double, ExactBinomial, of: String)
    /// The middle of all runs within so many minutes.
    case median(Double, times: [Double?], of: String)
    /// A number that must not be larger.
    case number(Double, atMost: Double, of: String, unit: String)
    /// Something that is or is not so.
    case fact(Bool, String)

    func isMet(_ extent: BenchmarkResults.Extent) -> Bool {
        switch (self, extent) {
        case (.atLeast(let bar, let seen, _), .full): seen.share >= bar
        case (.atLeast(let bar, let seen, _), .quick): seen.atMost(bar) >= 0.01
        case (.atMost(let bar, let seen, _), .full): seen.share <= bar
        case (.atMost(let bar, let seen, _), .quick): seen.atLeast(bar) >= 0.01
        case (.median(let bar, let times, _), .full): (CaseResult.quantile(0.5, of: times) ?? .infinity) <= bar
        case (.median(let bar, let times, _), .quick):
            ExactBinomial(times.count { ($0 ?? .infinity) <= bar }, of: times.count).atMost(0.5) >= 0.01
        case (.number(let value, let bar, _, _), _): value <= bar
        case (.fact(let isSo, _), _): isSo
        }
    }

    var figure: String {
        switch self {
        case .atLeast(_, let seen, let name), .atMost(_, let seen, let name):
            "\(name) \(Figure.percent(seen.share)) of \(seen.runs)"
        case .median(_, let times, let name):
            "\(name) median \(Figure.minutes(CaseResult.quantile(0.5, of: times)))"
        case .number(let value, _, let name, let unit): "\(name) \(Figure.decimal(value, digits: 2))\(unit)"
        case .fact(_, let sentence): sentence
        }
    }
}

/// Numbers as the report writes them: the same everywhere.
enum Figure {
    static func decimal(_ value: Double, digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "-" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((abs(value) * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let fraction = "\(scaled % Int(scale))"
        return "\(sign)\(scaled / Int(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    static func percent(_ share: Double) -> String {
        decimal(100 * share, digits: share == 0 || share == 1 ? 0 : share < 0.1 ? 2 : 1) + " %"
    }

    static func minutes(_ value: Double?) -> String { value.map { decimal($0, digits: 1) + " min" } ?? "never" }
}

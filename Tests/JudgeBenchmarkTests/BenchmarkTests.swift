import CanaryAnalysis
import Foundation
import RivalJudges
import Testing

@testable import JudgeBenchmark

@Suite struct BenchmarkTests {
    @Test("names are unique, and every claim's cases exist")
    func names() {
        let names = BenchmarkCases.all.map(\.name)
        #expect(Set(names).count == names.count)
        let everything = BenchmarkResults(
            .full, seed: 1, cases: BenchmarkCases.all.map { CaseResult($0, runs: [Self.run(at: 3)]) })
        let unchecked = Claim.all.filter { $0.outcome(everything).standing == .notChecked }
        // Those that need many runs, faults, forecasts or costs.
        #expect(unchecked.count == 7)
    }

    @Test("the same case, seed and run come to the same")
    func seeded() throws {
        var one = try #require(BenchmarkCases.all.first { $0.name == "small-120-x3" })
        one.minutes = 3
        let first = BenchmarkRun(one, seed: one.seed(of: 2, benchmark: 5))
        #expect(first == BenchmarkRun(one, seed: one.seed(of: 2, benchmark: 5)))
        #expect(one.seed(of: 2, benchmark: 5) != one.seed(of: 3, benchmark: 5))
    }

    @Test("at least 40 faults must never be proven")
    func faults() {
        #expect(DataFault.all.count { $0.mustNotPromote } >= 40)
        #expect(Set(DataFault.all.map(\.title)).count == DataFault.all.count)
    }

    // MARK: - Claims

    private static func run(at minutes: Double?, proven: Double? = nil) -> BenchmarkRun {
        var run = BenchmarkRun()
        run.rivals = Rival.allCases.map { _ in 10 }
        run.rolledBack = minutes
        run.proven = [proven]
        return run
    }

    private func standing(
        _ part: String, _ name: String, _ extent: BenchmarkResults.Extent, _ runs: [BenchmarkRun]
    )
        throws -> Claim.Standing
    {
        let claim = try #require(Claim.all.first { $0.sentence.hasPrefix(part) })
        let one = try #require(BenchmarkCases.all.first { $0.name == name })
        return claim.outcome(BenchmarkResults(extent, seed: 1, cases: [CaseResult(one, runs: runs)])).standing
    }

    @Test("a forecast may be a quarter off the judge's median, and one without a median is off")
    func forecasts() throws {
        let claim = try #require(Claim.all.first { $0.sentence.hasPrefix("every median that is forecast") })
        func standing(_ forecast: Int?, _ judged: Int?) -> Claim.Standing {
            let question = ForecastCheck.Question(.found(effect: 2), spread: 0)
            let result = ForecastCheck.Result(
                question, forecast: ForecastTimes([forecast]), judged: ForecastTimes([judged]), tickSeconds: 30)
            return claim.outcome(BenchmarkResults(.full, seed: 1, cases: [], forecasts: [result])).standing
        }
        #expect(standing(12, 10) == .met)
        #expect(standing(13, 10) == .notMet)
        #expect(standing(7, 10) == .notMet)
        #expect(standing(10, nil) == .notMet)
    }

    @Test("the check's judge finds what it is asked for, and nothing else")
    func forecastRuns() throws {
        var check = ForecastCheck()
        (check.devices, check.canaries, check.deadlineTicks) = (200, 20, 60)
        let found = try #require(check.judged(.init(.found(effect: 5), spread: 0), run: 0))
        #expect(found < 20)
        #expect(check.judged(.init(.proven(tolerance: 1.001), spread: 0), run: 0) == nil)
    }

    @Test("a share and a median are compared with their bars as they are in a full run")
    func full() throws {
        let found = [BenchmarkRun](repeating: Self.run(at: 12), count: 97)
        let missed = [BenchmarkRun](repeating: Self.run(at: nil), count: 3)
        #expect(try standing("x1.5 in the bursty fleet: ", "bursty-x1.5", .full, found + missed) == .met)
        #expect(
            try standing("x1.5 in the bursty fleet: ", "bursty-x1.5", .full, found + missed + missed) == .notMet)
        let late = [BenchmarkRun](repeating: Self.run(at: 14), count: 97)
        #expect(try standing("x1.5 in the bursty fleet: ", "bursty-x1.5", .full, late + missed) == .notMet)
    }

    @Test("few runs refute a claim only significantly")
    func quick() throws {
        let found = [BenchmarkRun](repeating: Self.run(at: 12), count: 9)
        let missed = Self.run(at: nil)
        #expect(try standing("x1.5 in the bursty fleet: ", "bursty-x1.5", .quick, found + [missed]) == .met)
        let all = [BenchmarkRun](repeating: missed, count: 10)
        #expect(try standing("x1.5 in the bursty fleet: ", "bursty-x1.5", .quick, all) == .notMet)
    }

    @Test("three false rollbacks in a hundred runs are too many, two in two hundred are not")
    func falseRollback() throws {
        func runs(_ bad: Int, of count: Int) -> [BenchmarkRun] {
            (0..<count).map { Self.run(at: $0 < bad ? 5 : nil) }
        }
        let part = "a harmless version is not taken back"
        #expect(try standing(part, "equal-harmless", .full, runs(2, of: 200)) == .met)
        #expect(try standing(part, "equal-harmless", .full, runs(5, of: 100)) == .notMet)
        #expect(try standing("where a harmless", "equal-harmless", .full, runs(41, of: 2_000)) == .notMet)
        #expect(try standing("where a harmless", "equal-harmless", .full, runs(40, of: 2_000)) == .met)
    }

    @Test("a proof under missing data breaks the claim, and so does none without a fault")
    func missingData() throws {
        let claim = try #require(Claim.all.first { $0.sentence.hasPrefix("with missing data") })
        func standing(_ isProven: (DataFault) -> Bool) -> Claim.Standing {
            let faults = DataFault.all.map { fault in
                DataFaultResult(fault, runs: [DataFaultRun(isPromoted: isProven(fault), reason: "unproven")])
            }
            return claim.outcome(BenchmarkResults(.full, seed: 1, cases: [], faults: faults)).standing
        }
        #expect(standing { !$0.mustNotPromote } == .met)
        #expect(standing { _ in true } == .notMet)
        #expect(standing { _ in false } == .notMet)
    }

    // MARK: - Reports

    @Test("the report holds every case and plot, and its JSON can be read")
    func report() throws {
        let one = try #require(BenchmarkCases.all.first { $0.name == "bursty-harmless" })
        let other = try #require(BenchmarkCases.all.first { $0.name == "bursty-x2" })
        let run = Self.run(at: 3)
        let results = BenchmarkResults(
            .quick, seed: 4, cases: [CaseResult(one, runs: [run]), CaseResult(other, runs: [run])])
        #expect(results.markdown.contains("| bursty-x2 | bursty fleet, x2 | 1 | 100 % | 2.50 % to 100 % | 3.0 |"))
        #expect(results.charts.map(\.name) == ["false-rollback", "time"])
        for chart in results.charts {
            #expect(isWellFormed(chart.svg))
        }
        let json = try JSONSerialization.jsonObject(with: results.json()) as? [String: Any]
        #expect((json?["cases"] as? [Any])?.count == 2)
    }

    /// Whether every tag that is opened is closed, and in its order.
    private func isWellFormed(_ text: String) -> Bool {
        var open: [Substring] = []
        for tag in text.split(separator: "<").dropFirst(text.hasPrefix("<") ? 0 : 1) {
            guard let end = tag.firstIndex(of: ">") else { return false }
            let inside = tag[..<end]
            if inside.hasPrefix("/") {
                guard open.popLast() == inside.dropFirst() else { return false }
            } else if !inside.hasSuffix("/") {
                open.append(inside.prefix { $0 != " " })
            }
        }
        return open.isEmpty
    }

    @Test("figures are written the same everywhere")
    func figures() {
        #expect(Figure.decimal(1.25, digits: 1) == "1.3")
        #expect(Figure.decimal(-0.001, digits: 2) == "0.00")
        #expect(Figure.percent(0.012_34) == "1.23 %")
        #expect(Figure.percent(0.995) == "99.5 %")
        #expect(Figure.minutes(nil) == "never")
    }
}

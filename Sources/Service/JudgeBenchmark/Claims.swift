import CanaryAnalysis
import FleetSimulation
import RecordedFleets
import RivalJudges

extension Claim {
    /// Everything the benchmark holds the judge to.
    public static let all: [Claim] =
        [
            falseRollback, falseRollbackOfMany,
            Claim(
                "x2 on 50 of 1,000 devices, one metric of twelve: at least 99.5 % found, median at most 5 min",
                of: "twelve-x2"
            ) { [.atLeast(0.995, $0.found, of: "found"), median(5, $0)] },
            Claim("x1.5 in the bursty fleet: at least 97 % found, median at most 13 min", of: "bursty-x1.5") {
                [.atLeast(0.97, $0.found, of: "found"), median(13, $0)]
            },
            Claim(
                "x1.5 in the bursty fleet, one metric of twelve: at least 90 % found, median at most 20 min",
                of: "twelve-x1.5"
            ) { [.atLeast(0.9, $0.found, of: "found"), median(20, $0)] },
            limit("equal"), limit("beta"),
            Claim("x1.25 in static fleets: at least 95 % found within 60 min", ofAll: ["equal-x1.25", "beta-x1.25"]) {
                $0.map { .atLeast(0.95, $0.found(within: 60.5), of: $0.benchmarkCase.title) }
            },
            Claim("x2 that begins at minute 30: at least 97 % found, median at most 9 min from then", of: "minute-30") {
                [.atLeast(0.97, $0.found, of: "found"), median(9, $0)]
            },
            Claim("x2 that begins in hour 8 of the watch: at least 90 % found", of: "hour-8") {
                [.atLeast(0.9, $0.found, of: "found")]
            },
            Claim(
                "x10 on 20 % of canaries, one hardware class: 99 % found, median at most 4 min, class named",
                of: "hardware-x10"
            ) {
                [
                    .atLeast(0.99, $0.found, of: "found"), median(4, $0),
                    .atLeast(0.95, $0.named("hw=hw0"), of: "class named in"),
                ]
            },
            Claim(
                "10 % of canaries silent within 10 min of exposure: 95 % found within 15 min", of: "silent-10"
            ) {
                [.atLeast(0.95, $0.found(within: 15), of: "found within 15 min")]
            },
            Claim(
                "x1.05 on 10,000 devices and a confidence shift inside the tolerance: taken back in at most 10 %",
                ofAll: ["large-x1.05", "confidence-inside"]
            ) { $0.map { .atMost(0.1, $0.rolledBack, of: $0.benchmarkCase.title) } },
            wrongPromotion,
            Claim(
                "x3 on one class in four is proven in at most 5 %", of: "class-x3"
            ) { [.atMost(0.05, $0.anyProven, of: "proven")] },
            Claim("10 % of canaries that die in the swap are proven in at most 5 %", of: "swap-10") {
                [.atMost(0.05, $0.anyProven, of: "proven")]
            },
            Claim(
                "a good release at a margin of 1.5 is proven in at least 95 %, median at most 15 min per step",
                ofAll: ["equal-good", "beta-good", "bursty-good"]
            ) { $0.flatMap { [.atLeast(0.95, $0.promoted, of: $0.benchmarkCase.name), proof(15, $0)] } },
            Claim(
                "a good release through three steps that the judge starts: 95 % proven, median at most 15 min a step",
                of: "judged-harmless"
            ) { [.atLeast(0.95, $0.completed, of: "all steps proven"), proof(15, $0)] },
            Claim("a metric that is zero for everybody is proven in at least 95 %", of: "zero-good") {
                [.atLeast(0.95, $0.promoted, of: "proven")]
            },
            missingData,
            Claim(
                "with 15 % of devices away at any time a good release is proven in 90 % within 60 min",
                of: "away-good"
            ) { [.atLeast(0.9, $0.promoted, of: "proven")] },
            Claim("each of ten planned steps at a budget of 0.2 % can fire", of: "ten-steps") { result in
                let canAll = result.runs.allSatisfy { $0.couldDecide.count == 10 && $0.couldDecide.allSatisfy { $0 } }
                return [.fact(canAll, canAll ? "all bounds can be reached" : "some step can never fire")]
            },
            forecast,
        ] + costs

    // MARK: - Bars

    private static func median(_ minutes: Double, _ result: CaseResult) -> Bar {
        .median(minutes, times: result.runs.map { $0.wasEarly ? nil : $0.rolledBack }, of: "found")
    }

    private static func proof(_ minutes: Double, _ result: CaseResult) -> Bar {
        .median(minutes, times: result.runs.flatMap(\.proven), of: "proven")
    }

    private static func limit(_ fleet: String) -> Claim {
        Claim("x1.5 in a static fleet (\(fleet)): median at most 1.7 times that of the limit", of: "\(fleet)-x1.5") {
            let own = $0.rollbackMinutes(0.5) ?? .infinity
            let least = $0.rollbackMinutes(0.5, by: .limit) ?? .infinity
            return [
                .number(
                    own / least, atMost: 1.7,
                    of: "\(Figure.minutes(own)) against \(Figure.minutes(least)), ratio", unit: "")
            ]
        }
    }

    // MARK: - Many cases at once

    private static let falseRollback = Claim(
        "a harmless version is not taken back significantly more often than its budget in any fleet or trap, with one "
            + "metric and with twelve (exact tests, Holm at 5 %)"
    ) { results in
        joint(
            results, .harmless, seen: \.rolledBack, level: { $0.policy.errorBudget }, of: "taken back")
    }

    private static let falseRollbackOfMany = Claim(
        "where a harmless version ran 2,000 times or more it was never taken back in more than 2 %"
    ) { results in
        let many = results.cases.filter { $0.benchmarkCase.subject == .harmless && $0.runs.count >= 2_000 }
        guard let worst = many.max(by: { $0.rolledBack.share < $1.rolledBack.share }) else {
            return Outcome(standing: .notChecked, figure: "")
        }
        return Outcome(
            standing: worst.rolledBack.share <= 0.02 ? .met : .notMet,
            figure: "\(many.count) fleets; most in \(worst.benchmarkCase.name), "
                + Figure.percent(worst.rolledBack.share))
    }

    private static let wrongPromotion = Claim(
        "a version exactly at a uniform margin is not proven significantly more often than 5 % in any fleet or trap "
            + "(exact tests, Holm at 5 %)"
    ) { results in
        joint(results, .intolerable, seen: \.anyProven, level: { _ in 0.05 }, of: "proven") {
            $0.name.hasSuffix("-margin")
        }
    }

    /// Exact one-sided tests of all cases of a subject together.
    private static func joint(
        _ results: BenchmarkResults, _ subject: BenchmarkCase.Subject, seen: (CaseResult) -> ExactBinomial,
        level: (BenchmarkCase) -> Double, of name: String, where isMeant: (BenchmarkCase) -> Bool = { _ in true }
    ) -> Outcome {
        let cases = results.cases.filter { $0.benchmarkCase.subject == subject && isMeant($0.benchmarkCase) }
        let adjusted = Holm.adjusted(cases.map { seen($0).atLeast(level($0.benchmarkCase)) })
        guard let smallest = adjusted.indices.min(by: { adjusted[$0] < adjusted[$1] }) else {
            return Outcome(standing: .notChecked, figure: "")
        }
        let worst = cases[smallest]
        let happened = cases.reduce(0) { $0 + seen($1).successes }
        let runs = cases.reduce(0) { $0 + $1.runs.count }
        let failing = cases.indices.filter { adjusted[$0] < 0.05 }.map { cases[$0].benchmarkCase.name }
        return Outcome(
            standing: failing.isEmpty ? .met : .notMet,
            figure:
                "\(name) \(happened) times in \(runs) runs of \(cases.count) fleets; least likely "
                + "\(worst.benchmarkCase.name) with \(seen(worst).successes) of \(worst.runs.count), adjusted p "
                + Figure.decimal(adjusted[smallest], digits: 3)
                + (failing.isEmpty ? "" : "; significant: \(failing.joined(separator: ", "))"))
    }

    private static let missingData = Claim("with missing data nothing is ever proven, over at least 40 injected faults")
    {
        results in
        guard let control = results.faults.first else { return Outcome(standing: .notChecked, figure: "") }
        let missing = results.faults.filter(\.fault.mustNotPromote)
        let promoted = missing.filter { $0.promoted.successes > 0 }
        let isProvenWithout = control.promoted.successes == control.promoted.runs
        return Outcome(
            standing: promoted.isEmpty && isProvenWithout && missing.count >= 40 ? .met : .notMet,
            figure: "\(missing.count) faults, proven under \(promoted.count) of them"
                + (promoted.isEmpty ? "" : ": \(promoted.map(\.fault.title).joined(separator: ", "))")
                + "; without a fault proven in \(control.promoted.successes) of \(control.promoted.runs)")
    }

    private static let forecast = Claim("every median that is forecast is within 25 % of the judge's") { results in
        let errors = results.forecasts.map { ($0.question, $0.medianError) }
        guard !errors.isEmpty else { return Outcome(standing: .notChecked, figure: "") }
        let worst = errors.max { abs($0.1 ?? .infinity) < abs($1.1 ?? .infinity) }
        return Outcome(
            standing: errors.allSatisfy { abs($0.1 ?? .infinity) <= 0.25 } ? .met : .notMet,
            figure: "\(errors.count) questions; furthest off is "
                + (worst.map { "\($0.0.title) by \($0.1.map { Figure.percent(abs($0)) } ?? "no median")" } ?? ""))
    }

    private static let costs = [
        Claim("100,000 devices, twelve metrics, 10,000 assignments: at most 2 s a tick on one core at 5 % canary") {
            cost($0, .five) { [.number($0.worstSeconds, atMost: 2, of: "longest tick", unit: " s")] }
        },
        Claim("the same through a ramp to 50 %: at most 10 s a tick, at most 1 GiB") {
            cost($0, .ramp, ramp)
        },
        Claim("the same with all steps and the watch: at most 10 s a tick, at most 1 GiB") { cost($0, .watch, ramp) },
        Claim("a forecast of the default policy for 10,000 devices: at most 10 s on one core") {
            cost($0, .forecast) { [.number($0.worstSeconds, atMost: 10, of: "longest", unit: " s")] }
        },
    ]

    private static func ramp(_ figure: CostFigure) -> [Bar] {
        [
            .number(figure.worstSeconds, atMost: 10, of: "longest tick", unit: " s"),
            .number(figure.peakMebibytes, atMost: 1_024, of: "peak", unit: " MiB"),
        ]
    }

    private static func cost(
        _ results: BenchmarkResults, _ subject: CostFigure.Subject, _ bars: (CostFigure) -> [Bar]
    ) -> Outcome {
        guard let figure = results.costs.first(where: { $0.subject == subject }) else {
            return Outcome(standing: .notChecked, figure: "")
        }
        let bars = bars(figure)
        return Outcome(
            standing: bars.allSatisfy { $0.isMet(.full) } ? .met : .notMet,
            figure: bars.map(\.figure).joined(separator: "; ") + ", \(figure.times) times")
    }
}

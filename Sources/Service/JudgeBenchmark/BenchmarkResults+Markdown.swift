import CanaryAnalysis
import FleetSimulation
import RecordedFleets
import RivalJudges

extension BenchmarkResults {
    /// The whole report in Markdown.
    public var markdown: String {
        """
        # The judge on simulated fleets

        Seed \(seed), \(extent.rawValue) extent, \(cases.reduce(0) { $0 + $1.runs.count }) runs. The same seed gives \
        the same table. Minutes count from the step's start (or from when harm begins) to the decision, one tick of \
        grace included; shares are of all runs, with exact 95 % intervals.

        ## Claims

        \(claimTable)

        ## Cases

        \(caseTable)

        ## The same rows, other judges

        Rules written anew from their documentation, with its defaults; those that have an error budget get 1 %. The \
        limit knows every device's rate and the effect, and looks for exactly that.

        \(rivalTable)

        ## Faults in the data

        \(faultTable)

        ## Forecasts

        One step of 50 of 1,000 devices, 1 % failures, a deadline of six hours; devices differ by up to a share of \
        their rate, either way.

        \(forecastTable)

        ## Cost

        \(costTable)

        """
    }

    private var claimTable: String {
        Self.table(
            ["claim", "", "figures"], "lll",
            Claim.all.map { claim in
                let outcome = claim.outcome(self)
                return [claim.sentence, outcome.standing.rawValue, outcome.figure]
            })
    }

    private var caseTable: String {
        Self.table(
            [
                "case", "", "runs", "taken back", "95 % interval", "median", "90 %", "proven before", "median",
                "class named",
            ], "llrrrrrrrr",
            cases.map { result in
                let found = result.rolledBack
                let interval = found.interval()
                return [
                    result.benchmarkCase.name, result.benchmarkCase.title, "\(found.runs)",
                    Figure.percent(found.share),
                    "\(Figure.percent(interval.lowerBound)) to \(Figure.percent(interval.upperBound))",
                    Self.minutes(result.rollbackMinutes(0.5)), Self.minutes(result.rollbackMinutes(0.9)),
                    Figure.percent(result.anyProven.share), Self.minutes(result.proofMinutes(0.5)),
                    found.successes > 0 ? Figure.percent(result.namedAny.share) : "-",
                ]
            })
    }

    /// The judges by their rows of the comparison: ours is nil.
    static let judges: [Rival?] = [nil] + Rival.allCases

    /// What a judge is called.
    static func title(_ judge: Rival?) -> String { judge?.title ?? "Edge Orchestrator" }

    /// The cases that other judges judged too.
    var compared: [CaseResult] { cases.filter { !$0.benchmarkCase.rivals.isEmpty } }

    private var rivalTable: String {
        guard !compared.isEmpty else { return "Not compared in these runs." }
        return Self.table(
            ["judge"] + compared.map(\.benchmarkCase.name), "l" + String(repeating: "r", count: compared.count),
            Self.judges.map { judge in
                [Self.title(judge)]
                    + compared.map { result in
                        let share = judge.map { result.rolledBack(by: $0)?.share ?? 0 } ?? result.rolledBack.share
                        let median = judge.map { result.rollbackMinutes(0.5, by: $0) } ?? result.rollbackMinutes(0.5)
                        return Figure.percent(share) + (median.map { ", \(Self.minutes($0))" } ?? "")
                    }
            })
    }

    private var faultTable: String {
        guard !faults.isEmpty else { return "Not tried in these runs." }
        return Self.table(
            ["fault in a good release", "may be proven", "proven", "taken back", "why not"], "lllll",
            faults.map { result in
                [
                    result.fault.title, result.fault.mustNotPromote ? "no" : "yes",
                    "\(result.promoted.successes) of \(result.promoted.runs)",
                    "\(result.rolledBack.successes) of \(result.rolledBack.runs)", result.reason,
                ]
            })
    }

    private var forecastTable: String {
        guard !forecasts.isEmpty else { return "Not compared in these runs." }
        return Self.table(
            ["question", "devices differ by", "forecast", "judge", "off by", "forecast of 90 %", "judge"], "lrrrrrr",
            forecasts.map { result in
                func minutes(_ times: ForecastTimes, _ share: Double) -> String {
                    Self.minutes(times.tick(by: share).map { $0 * result.tickSeconds / 60 })
                }
                return [
                    result.question.title, Figure.percent(result.question.spread), minutes(result.forecast, 0.5),
                    minutes(result.judged, 0.5), result.medianError.map { Figure.percent(abs($0)) } ?? "-",
                    minutes(result.forecast, 0.9), minutes(result.judged, 0.9),
                ]
            })
    }

    private var costTable: String {
        guard !costs.isEmpty else { return "Not measured in these runs." }
        return Self.table(
            ["what", "devices", "times", "longest", "median", "peak of the process"], "lrrrrr",
            costs.map { cost in
                [
                    cost.subject.title, "\(cost.devices)", "\(cost.times)",
                    Figure.decimal(cost.worstSeconds, digits: 2) + " s",
                    Figure.decimal(cost.medianSeconds, digits: 2) + " s",
                    Figure.decimal(cost.peakMebibytes, digits: 0) + " MiB",
                ]
            })
    }

    private static func minutes(_ value: Double?) -> String { value.map { Figure.decimal($0, digits: 1) } ?? "-" }

    /// A table; `alignments` has one letter per column, `l` or `r`.
    private static func table(_ head: [String], _ alignments: String, _ rows: [[String]]) -> String {
        let rule = alignments.map { $0 == "r" ? "--:" : "---" }
        return ([head, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
    }
}

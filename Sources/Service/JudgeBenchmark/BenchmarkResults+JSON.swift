import CanaryAnalysis
import FleetSimulation
public import Foundation
import RecordedFleets
import RivalJudges

extension BenchmarkResults {
    /// The report for machines: claims, cases with every judge's figures, faults and costs.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try encoder.encode(
            Document(
                seed: seed, extent: extent.rawValue,
                claims: Claim.all.map { claim in
                    let outcome = claim.outcome(self)
                    return Document.Claim(
                        claim: claim.sentence, standing: outcome.standing.rawValue, figures: outcome.figure)
                }, cases: cases.map(Document.Case.init),
                faults: faults.map { result in
                    Document.Fault(
                        fault: result.fault.title, mayBeProven: !result.fault.mustNotPromote,
                        proven: result.promoted.successes, takenBack: result.rolledBack.successes,
                        runs: result.promoted.runs)
                },
                forecasts: forecasts.map { result in
                    func minutes(_ times: ForecastTimes) -> Double? {
                        times.tick(by: 0.5).map { $0 * result.tickSeconds / 60 }
                    }
                    return Document.Forecast(
                        question: result.question.title, spread: result.question.spread,
                        forecastMinutes: minutes(result.forecast), judgedMinutes: minutes(result.judged),
                        medianError: result.medianError)
                },
                costs: costs.map { cost in
                    Document.Cost(
                        subject: cost.subject.rawValue, devices: cost.devices, times: cost.times,
                        longestSeconds: cost.worstSeconds,
                        medianSeconds: cost.medianSeconds, peakMebibytes: cost.peakMebibytes)
                }))
    }

    private struct Document: Encodable {
        struct Claim: Encodable {
            let claim: String
            let standing: String
            let figures: String
        }

        struct Judge: Encodable {
            let takenBack: Int
            let share: Double
            let lower: Double
            let upper: Double
            let medianMinutes: Double?
            let ninetyPercentMinutes: Double?

            init(_ seen: ExactBinomial, median: Double?, ninety: Double?) {
                let interval = seen.interval()
                takenBack = seen.successes
                share = seen.share
                lower = interval.lowerBound
                upper = interval.upperBound
                medianMinutes = median
                ninetyPercentMinutes = ninety
            }
        }

        struct Case: Encodable {
            let name: String
            let title: String
            let subject: BenchmarkCase.Subject
            let runs: Int
            let judge: Judge
            let stepsProven: Double
            let provenMedianMinutes: Double?
            let namedShare: Double?
            let rivals: [String: Judge]

            init(_ result: CaseResult) {
                name = result.benchmarkCase.name
                title = result.benchmarkCase.title
                subject = result.benchmarkCase.subject
                runs = result.runs.count
                judge = Judge(
                    result.rolledBack, median: result.rollbackMinutes(0.5), ninety: result.rollbackMinutes(0.9))
                stepsProven = result.anyProven.share
                provenMedianMinutes = result.proofMinutes(0.5)
                namedShare = result.rolledBack.successes > 0 ? result.namedAny.share : nil
                var rivals: [String: Judge] = [:]
                for rival in result.benchmarkCase.rivals {
                    guard let seen = result.rolledBack(by: rival) else { continue }
                    rivals[rival.rawValue] = Judge(
                        seen, median: result.rollbackMinutes(0.5, by: rival),
                        ninety: result.rollbackMinutes(0.9, by: rival))
                }
                self.rivals = rivals
            }
        }

        struct Fault: Encodable {
            let fault: String
            let mayBeProven: Bool
            let proven: Int
            let takenBack: Int
            let runs: Int
        }

        struct Forecast: Encodable {
            let question: String
            let spread: Double
            let forecastMinutes: Double?
            let judgedMinutes: Double?
            let medianError: Double?
        }

        struct Cost: Encodable {
            let subject: String
            let devices: Int
            let times: Int
            let longestSeconds: Double
            let medianSeconds: Double
            let peakMebibytes: Double
        }

        let seed: UInt64
        let extent: String
        let claims: [Claim]
        let cases: [Case]
        let faults: [Fault]
        let forecasts: [Forecast]
        let costs: [Cost]
    }
}

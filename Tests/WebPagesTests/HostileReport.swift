import CanaryAnalysis
import Fleet
import Rollouts
import Testing

/// A report on a rollback in which everything that people, devices and models name tries to become markup.
enum HostileReport {
    static let device = #"d0"><img src=x onerror="alert('device')">"#
    static let site = #"</title></style><script>alert('label')</script>"#
    static let metric = #"class:<b onclick='alert(1)'>&amp;"#
    static let person = #"ana\#u{202E}<svg/onload=alert('person')>"#
    static let reason = #"]]><!-- <iframe src="https://example.org/"></iframe> & "quoted" 'too'"#

    static func at(_ seconds: Double) -> Timestamp { Timestamp(milliseconds: Int64(seconds * 1000)) }

    /// Judged once, because judging takes time.
    static let report = Result { try made() }

    private static func version(_ name: String, _ byte: UInt8) throws -> VersionReference {
        VersionReference(
            name: try VersionName(name), digest: try #require(Digest(bytes: Array(repeating: byte, count: 32))))
    }

    /// Sixteen devices, seven of them canaries; those of one site fail forty times in a hundred.
    private static func step() -> DecisionReplay.Step {
        let listed = (0..<16).map { place in
            ExperimentDevice(
                id: place == 0 ? device : "cam-\(place)", stratum: 0, isCanary: place < 7,
                labels: ["site": place < 5 || place > 12 ? site : "berlin"],
                history: [Tally(count: 5_000, total: 250), Tally(count: 5_000, total: 1_000)])
        }
        let experiment = StepExperiment(
            seed: 987_654_321, step: 1, tickSeconds: 30, devices: listed,
            metrics: [
                MetricPlan(name: "failures", margin: .relative(1.25), limit: 0.9),
                MetricPlan(name: metric, harm: .either, group: .answers, mode: .watch, margin: .absolute(0.02)),
            ],
            plan: TestPlan(
                share: 0.045, updateShare: 0.005, soakTicks: 20, deadlineTicks: 120, watchTicks: 2_880,
                excuseTicks: 20, mayAdvanceUnproven: false))
        let rows = (1...18).map { tick in
            TickEvidence(
                observations: listed.indices.map { place in
                    let noise = (place * 7 + tick * 5) % 3
                    let failures = place < 5 && tick > 11 ? 14 - place : 4
                    let tallies = [
                        Tally(count: 100, total: Double(failures + noise)),
                        Tally(count: 100, total: Double(20 + noise)),
                    ]
                    var one = DeviceObservation(device: place)
                    one.wasHeard = true
                    one.isCommanded = place < 7
                    one.isExposed = place < 7
                    if place < 7 { one.new = tallies } else { one.old = tallies }
                    return one
                })
        }
        return DecisionReplay.Step(experiment: experiment, rows: rows)
    }

    private static func made() throws -> RolloutReport {
        let step = step()
        let replay = DecisionReplay([step], policies: [])
        let judged = try #require(replay.judgements[0].first { $0.finding != nil })
        let grounds = StepFinding(judged, policies: []).grounds
        var rollback = Decision(
            number: 3, kind: .rollback, cause: .judge, reason: grounds.reason, sentence: grounds.sentence, step: 1,
            tick: judged.tick, at: at(400), exposedDevices: 7)
        rollback.metric = grounds.metric
        rollback.test = grounds.test
        rollback.evidence = grounds.evidence
        rollback.bound = grounds.bound
        rollback.effect = grounds.effect
        rollback.label = DecisionLabel(.truePositive, by: person, at: at(900))
        let halt = Decision(
            number: 1, kind: .halt, cause: .person, reason: "ordered", sentence: reason, step: 1, at: at(200),
            actor: person)
        let resume = Decision(
            number: 2, kind: .resume, cause: .person, reason: "ordered", sentence: "go on", step: 1, at: at(260),
            actor: person)
        var subject = RolloutReport.Subject(
            id: try RolloutID("detector-berlin-2"), deployment: try DeploymentName("detector-berlin"),
            model: try ModelName("detector"), from: try version("v1.0.0", 1), to: try version("v2.0.0", 2),
            state: .rolledBack, policy: Policy(name: try PolicyName("careful")), createdAt: at(0))
        subject.firstExposedAt = at(45)
        subject.endedAt = at(520)
        var report = RolloutReport(
            rollback, of: subject, decisions: [halt, resume, rollback], steps: [step], replay: replay,
            asksWhatIf: false)
        report.alternatives = [
            Alternative(
                change: "without_device", what: "without device \(device)", outcome: .later,
                result: "the same decision, 30 s later"),
            Alternative(
                change: "fewer_failures", what: "61 fewer failures on the canaries (they had 480)",
                outcome: .undecided, result: "no rollback by then (\(reason))"),
        ]
        report.worseBaseline = nil
        return report
    }
}

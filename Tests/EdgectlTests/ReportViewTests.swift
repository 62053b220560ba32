import ArgumentParser
import CanaryAnalysis
import Fleet
import Rollouts
import Terminal
import Testing

@testable import edgectl

/// A report of one step of twelve devices in which four canaries fail often.
private enum Sample {
    static func at(_ seconds: Double) -> Timestamp { Timestamp(milliseconds: Int64(seconds * 1000)) }

    static let step: DecisionReplay.Step = {
        let devices = (0..<12).map { place in
            ExperimentDevice(
                id: "d\(place)", stratum: 0, isCanary: place < 4, labels: [:],
                history: [Tally(count: 5_000, total: 250)])
        }
        let experiment = StepExperiment(
            seed: 77, step: 1, tickSeconds: 2, devices: devices,
            metrics: [MetricPlan(name: "failures", margin: .relative(2))],
            plan: TestPlan(
                share: 0.045, updateShare: 0.005, soakTicks: 3, deadlineTicks: 20, watchTicks: 100, excuseTicks: 10,
                mayAdvanceUnproven: false))
        let rows = (1...6).map { tick in
            TickEvidence(
                observations: devices.indices.map { place in
                    var one = DeviceObservation(device: place)
                    one.wasHeard = true
                    one.isCommanded = place < 4
                    one.isExposed = place < 4
                    let tally = Tally(count: 100, total: Double((place < 4 ? 30 : 5) + (place + tick) % 3))
                    if place < 4 { one.new = [tally] } else { one.old = [tally] }
                    return one
                })
        }
        return DecisionReplay.Step(experiment: experiment, rows: rows)
    }()

    static let replay = DecisionReplay([step], policies: [])

    static func report(
        state: RolloutState = .rollingBack, change: (inout RolloutReport) -> Void = { _ in }
    ) throws -> RolloutReport {
        let judged = try #require(replay.judgements[0].first { $0.finding != nil })
        let grounds = StepFinding(judged, policies: []).grounds
        var decision = Decision(
            number: 1, kind: .rollback, cause: .judge, reason: grounds.reason, sentence: grounds.sentence, step: 1,
            tick: judged.tick, at: at(12), exposedDevices: 4)
        decision.metric = grounds.metric
        decision.test = grounds.test
        decision.evidence = grounds.evidence
        decision.bound = grounds.bound
        decision.effect = grounds.effect
        func version(_ name: String, _ byte: UInt8) throws -> VersionReference {
            VersionReference(
                name: try VersionName(name), digest: try #require(Digest(bytes: Array(repeating: byte, count: 32))))
        }
        let subject = RolloutReport.Subject(
            id: try RolloutID("digits-2"), deployment: try DeploymentName("digits"), model: try ModelName("digits"),
            from: try version("v1", 1), to: try version("v2", 2), state: state,
            policy: Policy(name: try PolicyName("calm")), createdAt: at(0))
        var report = RolloutReport(
            decision, of: subject, decisions: [decision], steps: [step], replay: replay, asksWhatIf: false)
        change(&report)
        return report
    }
}

@Suite struct ReportViewTests {
    private func lines(
        columns: Int = 100, state: RolloutState = .rollingBack, change: (inout RolloutReport) -> Void = { _ in }
    ) throws -> [StyledText] {
        ReportView(report: try Sample.report(state: state, change: change), columns: columns, palette: .plain).lines
    }

    private func text(_ lines: [StyledText]) -> String { lines.map(\.text).joined(separator: "\n") }

    @Test("a page says what was decided, on what, and whether it follows from the evidence")
    func told() throws {
        let page = text(try lines())
        let texts = [
            "digits-2  decision 1 of 1: rollback by the judge at 1970-01-01T00:00:12", "v2 of digits was taken back",
            "rests on      failures, ", " against a bound of ", "4 canaries (4 exposed) against 8 others, step 1",
            "canary 3", "tolerated x2.00", "soak          open", "  WORST CANARIES", "recomputed    reproduced",
            "seeds         77, one per step", "evidence of harm, and its bound, over ",
        ]
        for text in texts { #expect(page.contains(text), "\(text)") }
        #expect(!page.contains("what would have changed it"), "nothing was asked")
    }

    @Test("a step that no test could serve is named with its method; a drawn one needs no word")
    func method() throws {
        let page = text(try lines { $0.steps[0].judgement?.method = .absolute })
        #expect(page.contains("judged        by absolute rules, one device at a time: not proven"))
        #expect(!text(try lines()).contains("judged"))
    }

    @Test("what would have changed the decision is told, a line each")
    func alternatives() throws {
        let page = text(
            try lines { report in
                report.alternatives = [
                    Alternative(
                        change: "half_budget", what: "half the error budget", outcome: .later,
                        result: "the same decision, 2 s later")
                ]
            })
        #expect(
            page.contains("what would have changed it: the same evidence\n  half the error budget: the same decision"))
    }

    @Test("plots keep to the terminal's width and need no symbols beyond ASCII", arguments: [20, 40, 80, 300])
    func width(columns: Int) throws {
        let report = try Sample.report()
        let plots = ReportView(report: report, columns: columns, palette: .plain).plots
        #expect(!plots.isEmpty)
        let drawn = plots.filter { !$0.text.hasPrefix("  e") }
        #expect(drawn.allSatisfy { $0.width <= columns && $0.text.utf8.allSatisfy { $0 < 128 } })
    }

    @Test("an advance shows the proof instead of the harm")
    func proof() throws {
        let page = text(
            try lines { report in
                report.decision.kind = .advance
                report.steps[0].points = report.steps[0].points.map { point in
                    var point = point
                    point.metrics[0].safetyEvidence = 2
                    return point
                }
            })
        #expect(page.contains("proof of safety in failures, and its bound"))
    }

    @Test("a worse baseline is said, and promotion offered where a person decides", arguments: RolloutState.allCases)
    func worseBaseline(state: RolloutState) throws {
        let page = text(
            try lines(state: state) { report in
                var judgement = report.deciding?.judgement
                judgement?.metrics[0].isBaselineWorse = true
                report.worseBaseline = WorseBaseline(judgement, from: report.subject.from, to: report.subject.to)
            })
        #expect(page.contains("the baseline is the worse one: v1 does worse than v2 in failures"))
        let offer = "edgectl rollout promote digits-2 --reason \"the baseline is worse\""
        #expect(page.contains(offer) == [.holding, .halted].contains(state))
    }

    @Test("a label and a class are told, and no line holds more than one line")
    func label() throws {
        let lines = try lines { report in
            report.decision.label = DecisionLabel(.falsePositive, by: "a\nna\u{1B}[31m", at: Sample.at(20))
            report.suspect = "hw=or\u{1B}in"
        }
        let page = text(lines)
        #expect(page.contains("label         false positive, says a?na?[31m"))
        #expect(page.contains("class         hw=or?in carries the harm"))
        #expect(lines.allSatisfy { !$0.text.contains("\n") && !$0.text.contains("\u{1B}") })
    }

    @Test("a decision without evidence has a page")
    func withoutEvidence() throws {
        #expect(text(try lines { $0.steps = [] }).contains("there is no evidence for this decision"))
    }
}

@Suite struct DecisionLabelCommandTests {
    private func parsed(_ words: String...) throws -> DecisionLabelCommand {
        try #require(
            try Edgectl.parseAsRoot(["decision", "label", "digits-2"] + words) as? DecisionLabelCommand)
    }

    @Test("a label is read in the words of the command line")
    func label() throws {
        #expect(try parsed("3", "false-positive").label?.value == .falsePositive)
        #expect(try parsed("3", "true-positive").label?.value == .truePositive)
        let cleared = try parsed("3", "--clear")
        #expect(cleared.label == nil && cleared.clear && cleared.number == 3)
    }

    @Test(
        "a label without a word, with both, with another word or for no decision is refused",
        arguments: [["3"], ["3", "true-positive", "--clear"], ["3", "maybe"], ["0", "--clear"], ["x", "--clear"]])
    func refused(words: [String]) {
        #expect(throws: (any Error).self) {
            try Edgectl.parseAsRoot(["decision", "label", "digits-2"] + words)
        }
    }
}

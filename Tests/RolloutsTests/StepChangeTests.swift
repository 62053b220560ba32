import CanaryAnalysis
import Testing

@testable import Rollouts

@Suite struct StepChangeTests {
    private let recorded = RecordedStep(ticks: 4) { 20 + $0 }

    private func totals(_ step: DecisionReplay.Step) -> [Double] {
        step.rows.flatMap { $0.observations.map { $0.new.first?.total ?? 0 } }
    }

    @Test(
        "failures are added and taken off exactly, spread over the canaries, up to a tick", arguments: [-150, -7, 60])
    func failures(count: Int) {
        let step = recorded.step
        let changed = step.changing(0, by: count, until: 3)
        #expect(changed.canaryRoom(of: 0, until: 3).bad == step.canaryRoom(of: 0, until: 3).bad + count)
        #expect(changed.rows[3] == step.rows[3])
        #expect(totals(changed).allSatisfy { (0...100).contains($0) })
        let touched = zip(totals(step), totals(changed)).count { $0 != $1 }
        #expect(touched >= min(abs(count), 12) / 2)
    }

    @Test("no more failures are taken off than there are")
    func allFailures() {
        let step = recorded.step
        #expect(step.changing(0, by: -1_000_000, until: 4).canaryRoom(of: 0, until: 4).bad == 0)
    }

    @Test("a dropped device takes its rows along, and the rest keep their own")
    func dropping() throws {
        let step = recorded.step
        let rest = try #require(step.dropping { $0.id == "d2" })
        #expect(rest.experiment.devices.map(\.id) == step.experiment.devices.map(\.id).filter { $0 != "d2" })
        for (row, before) in zip(rest.rows, step.rows) {
            #expect(row.observations.map(\.device) == Array(0..<11))
            #expect(row.observations[2].new == before.observations[3].new)
            #expect(row.observations.last?.old == before.observations.last?.old)
        }
    }

    @Test("strata that are left are numbered without holes")
    func strata() throws {
        let rest = try #require(recorded.step.dropping { $0.stratum == 0 })
        #expect(Set(rest.experiment.devices.map(\.stratum)) == [0])
    }

    @Test("an arm cannot be dropped whole")
    func arms() {
        #expect(recorded.step.dropping { $0.isCanary } == nil)
        #expect(recorded.step.dropping { !$0.isCanary } == nil)
    }

    @Test("a tolerance moves by one step of those that people use, and the budget by its factor")
    func parameters() {
        var step = recorded.step
        func margin(_ margin: Margin, wider: Bool) -> Margin {
            step.experiment.metrics[0].margin = margin
            return step.tolerating(more: wider).experiment.metrics[0].margin
        }
        #expect(margin(.relative(1.25), wider: true) == .relative(1.5))
        #expect(margin(.relative(1.25), wider: false) == .relative(1.1))
        #expect(margin(.relative(1.3), wider: false) == .relative(1.25))
        #expect(margin(.relative(5), wider: true) == .relative(7.5))
        #expect(margin(.relative(1.05), wider: false) == .relative(1.025))
        #expect(margin(.absolute(0.01), wider: true) == .absolute(0.02))
        step.experiment.metrics[0].mode = .watch
        #expect(margin(.relative(2), wider: true) == .relative(2))
        let twice = step.spending(times: 2).experiment.plan
        #expect(twice.share == 0.09 && twice.updateShare == 0.01 && twice.proofLevel == step.experiment.plan.proofLevel)
    }
}

@Suite struct FigureTests {
    @Test(
        "a span has its two largest units",
        arguments: [
            (0, "0 s"), (59.6, "1 min"), (72, "1 min 12 s"), (3600, "1 h"), (5400, "1 h 30 min"), (90_000, "1 d 1 h"),
        ])
    func span(seconds: Double, text: String) {
        #expect(Figure.span(seconds) == text)
    }

    @Test("numbers that are none are a dash, and an effect says what it is")
    func numbers() {
        #expect(Figure.decimal(nil) == "-" && Figure.decimal(.nan) == "-" && Figure.decimal(.infinity) == "infinity")
        #expect(Figure.decimal(-0.004) == "0.00" && Figure.decimal(-1.005, digits: 1) == "-1.0")
        #expect(Figure.percent(0.0241) == "2.41 %" && Figure.percent(0.00045) == "0.0450 %")
        #expect(Figure.effect(1.5, .share) == "x1.50" && Figure.effect(0.5, .mean) == "+0.500")
        #expect(Figure.effect(-0.5, .mean) == "-0.500" && Figure.effect(nil, .share) == "-")
        #expect(Margin.absolute(0.001).words == "+0.0010" && Margin.relative(1.25).words == "x1.25")
    }
}

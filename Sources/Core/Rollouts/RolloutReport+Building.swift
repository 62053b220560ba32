public import CanaryAnalysis
import Fleet

extension RolloutReport {
    /// Explains a decision from what is stored.
    ///
    /// - Parameters:
    ///   - steps: every step that was drawn, in order.
    ///   - replay: the same steps, judged again.
    ///   - asksWhatIf: whether the evidence is judged again under small changes too, each of which takes about as long
    ///     as the first time.
    /// - Complexity: without `asksWhatIf` as much as the decision's series is long.
    public init(
        _ decision: Decision, of subject: Subject, decisions: [Decision], steps: [DecisionReplay.Step],
        replay: DecisionReplay, asksWhatIf: Bool = true
    ) {
        self.subject = subject
        self.decision = decision
        self.decisions = decisions
        recomputed =
            subject.evidenceRemovedAt == nil || !decision.isFromEvidence
            ? Recomputed(replay.outcome(of: decision)) : .evidenceRemoved
        let placed = decision.at(tick: Self.tick(of: decision, among: decisions, steps: steps))
        let before = replay.judgements(before: placed)
        self.steps = zip(steps, zip(replay.judgements, before)).map { step, judged in
            StepReport(step.experiment, judged.0.prefix(judged.1.tick))
        }
        let index = Self.deciding(before, decision)
        decidingStep = index.map { $0 + 1 }
        suspect = index.flatMap { before[$0].finding?.suspect }
        worseBaseline = index.flatMap { WorseBaseline(before[$0], from: subject.from, to: subject.to) }
        alternatives = []
        if asksWhatIf, let index {
            alternatives =
                WhatIf(
                    step: steps[index], judgements: replay.judgements[index], at: before[index].tick, decision: decision
                ).alternatives
        }
    }

    /// The decision that a reader wants to have explained: the last that moved or stopped the version, or the last.
    public static func mattering(among decisions: [Decision]) -> Decision? {
        decisions.last { decision in
            switch decision.kind {
            case .advance, .promote, .halt, .rollback: true
            case .hold, .resume, .retry: false
            }
        } ?? decisions.last
    }

    /// The index of the step whose judgement decided: the first that shows what was decided, or the decision's own.
    private static func deciding(_ before: [TickJudgement], _ decision: Decision) -> Int? {
        guard !before.isEmpty else { return nil }
        let shown = before.firstIndex { judgement in
            switch (decision.kind, judgement.recommendation) {
            case (.rollback, .rollback), (.halt, .halt): decision.isFromEvidence
            default: false
            }
        }
        return shown ?? before.count - 1
    }

    /// The last tick of the decision's step that was judged by then.
    ///
    /// A decision between ticks is placed by the length of a tick from the next one that was made at one.
    private static func tick(of decision: Decision, among decisions: [Decision], steps: [DecisionReplay.Step]) -> Int? {
        if let tick = decision.tick { return tick }
        guard (1...max(1, steps.count)).contains(decision.step), !steps.isEmpty else { return nil }
        let step = steps[decision.step - 1]
        guard !step.rows.isEmpty else { return nil }
        let next = decisions.first { $0.number > decision.number && $0.step == decision.step && $0.tick != nil }
        guard let next, let tick = next.tick else { return step.rows.count }
        let passed = next.at.seconds(since: decision.at) / step.experiment.tickSeconds
        return min(step.rows.count, max(1, tick - Int(passed.rounded(.up))))
    }
}

extension Decision {
    fileprivate func at(tick: Int?) -> Decision {
        var placed = self
        placed.tick = tick
        return placed
    }
}

extension TickJudgement {
    /// The harm that the judge found at this tick; nil where it found none.
    public var finding: HarmFinding? {
        switch recommendation {
        case .rollback(let finding), .halt(let finding): finding
        case .advance, .hold, .undecided, .noData: nil
        }
    }
}

import CanaryAnalysis

/// Judges a step's evidence again under small changes, to find what would have changed a decision.
struct WhatIf {
    /// The first thing that a step's evidence decides.
    struct Event: Hashable {
        let kind: DecisionKind
        let tick: Int
    }

    /// What came of judging a step once.
    private struct Course {
        var event: Event?
        /// The last tick's words, for what is not decided.
        var last: TickJudgement?
    }

    /// A step with one thing changed.
    private struct Variant {
        let change: String
        let what: String
        let step: DecisionReplay.Step
    }

    /// At most so many searches for a number of failures: each judges the step again.
    private static let searchLimit = 8

    private let step: DecisionReplay.Step
    private let tick: Int
    private let decision: Decision
    private let judgement: TickJudgement?
    private let original: Event?

    init(step: DecisionReplay.Step, judgements: [TickJudgement], at tick: Int, decision: Decision) {
        self.step = step
        self.tick = tick
        self.decision = decision
        judgement = judgements.indices.contains(tick - 1) ? judgements[tick - 1] : nil
        let onlyHarm = Self.looksAtHarmOnly(decision)
        original = judgements.prefix(tick).lazy.compactMap { Self.event($0, onlyHarm: onlyHarm) }.first
    }

    /// All changes, each with what came of it.
    var alternatives: [Alternative] {
        variants.map { alternative($0, judged($0.step, until: step.rows.count)) } + [failures].compactMap { $0 }
    }

    // MARK: - The changes

    private var variants: [Variant] {
        var variants: [Variant] = []
        if let device = judgement?.contributions.first?.device,
            let rest = step.dropping({ $0.id == device })
        {
            variants.append(Variant(change: "without_device", what: "without device \(device)", step: rest))
        }
        if let suspect = judgement?.finding?.suspect, let rest = step.dropping({ $0.isIn(class: suspect) }) {
            variants.append(Variant(change: "without_class", what: "without all devices of \(suspect)", step: rest))
        }
        for (change, word, factor) in [("half_budget", "half", 0.5), ("double_budget", "twice", 2.0)] {
            let changed = step.spending(times: factor)
            let share = Figure.percent(changed.experiment.plan.share)
            variants.append(
                Variant(change: change, what: "\(word) the error budget (\(share) in this step)", step: changed))
        }
        for isWider in [true, false] {
            let changed = step.tolerating(more: isWider)
            let margins = zip(step.experiment.metrics, changed.experiment.metrics).filter { $0.0.mode == .guard }
            guard let first = margins.first else { continue }
            variants.append(
                Variant(
                    change: isWider ? "wider_margin" : "narrower_margin",
                    what: "a tolerance one step \(isWider ? "wider" : "narrower") (\(first.1.margin.words) instead of "
                        + "\(first.0.margin.words)\(margins.count == 1 ? "" : ", and so on"))", step: changed))
        }
        return variants
    }

    private func alternative(_ variant: Variant, _ course: Course) -> Alternative {
        var found = Alternative(change: variant.change, what: variant.what, outcome: .same, result: "")
        found.kind = course.event?.kind
        found.secondsLater = course.event.map { Double($0.tick - tick) * step.experiment.tickSeconds }
        switch (original, course.event) {
        case (nil, nil):
            found.result = "the evidence decides nothing by then either"
        case (let old?, let new?) where old.kind == new.kind && new.tick == old.tick:
            found.result = "the same decision at the same time"
        case (let old?, let new?) where old.kind == new.kind:
            found.outcome = new.tick < old.tick ? .sooner : .later
            let seconds = Double(abs(new.tick - old.tick)) * step.experiment.tickSeconds
            found.result = "the same decision, \(Figure.span(seconds)) \(new.tick < old.tick ? "earlier" : "later")"
        case (_, let new?):
            found.outcome = .other
            found.result = "\(new.kind.verb) instead\(Self.when(found.secondsLater ?? 0))"
        case (let old?, nil):
            found.outcome = .undecided
            found.result = "no \(old.kind.rawValue) by then" + (course.last?.reason.map { " (\($0))" } ?? "")
        }
        return found
    }

    private static func when(_ seconds: Double) -> String {
        seconds == 0 ? ", at the same time" : ", \(Figure.span(abs(seconds))) \(seconds < 0 ? "earlier" : "later")"
    }

    // MARK: - How many failures

    /// How many failures fewer (where harm was found or nothing decided) or more (where the step advanced) on the
    /// canaries would have changed the decision; nil where no number does or the metric is no share.
    private var failures: Alternative? {
        guard let judgement, let metric = step.place(of: decision.metric ?? judgement.leadingMetric) else { return nil }
        let adds = original?.kind == .advance
        let room = step.canaryRoom(of: metric, until: tick)
        let most = adds ? min(room.good, max(20, 4 * room.bad)) : room.bad
        guard most > 0, changes(metric, adds ? most : -most) else { return nil }
        var (kept, changed) = (0, most)
        for _ in 0..<Self.searchLimit where changed - kept > 1 {
            let middle = kept + (changed - kept) / 2
            if changes(metric, adds ? middle : -middle) { changed = middle } else { kept = middle }
        }
        let name =
            step.experiment.metrics[metric].group == .failures ? "failures" : step.experiment.metrics[metric].name
        let about = changed - kept > 1 ? "about " : ""
        let what = "\(about)\(changed) \(adds ? "more" : "fewer") \(name) on the canaries (they had \(room.bad))"
        let variant = Variant(
            change: adds ? "more_failures" : "fewer_failures", what: what,
            step: step.changing(metric, by: adds ? changed : -changed, until: tick))
        return alternative(variant, judged(variant.step, until: tick))
    }

    /// Whether so many failures more or fewer change what is decided by the decision's tick.
    private func changes(_ metric: Int, _ count: Int) -> Bool {
        judged(step.changing(metric, by: count, until: tick), until: tick).event?.kind != original?.kind
    }

    // MARK: - Judging again

    /// Judges a step until its first event, or through `until`.
    private func judged(_ step: DecisionReplay.Step, until: Int) -> Course {
        var judge = StepJudge(step.experiment)
        var course = Course()
        let onlyHarm = Self.looksAtHarmOnly(decision)
        for row in step.rows.prefix(until) {
            let judgement = judge.judge(row)
            course.last = judgement
            course.event = Self.event(judgement, onlyHarm: onlyHarm)
            guard course.event == nil else { break }
        }
        return course
    }

    /// Harm can be found in a step that had advanced already.
    private static func looksAtHarmOnly(_ decision: Decision) -> Bool {
        decision.isFromEvidence && (decision.kind == .rollback || decision.kind == .halt)
    }

    private static func event(_ judgement: TickJudgement, onlyHarm: Bool) -> Event? {
        switch judgement.recommendation {
        case .rollback: Event(kind: .rollback, tick: judgement.tick)
        case .halt: Event(kind: .halt, tick: judgement.tick)
        case .advance: onlyHarm ? nil : Event(kind: .advance, tick: judgement.tick)
        case .hold, .undecided, .noData: nil
        }
    }
}

extension DecisionKind {
    /// What would have been done.
    fileprivate var verb: String {
        switch self {
        case .rollback: "rolled back"
        case .halt: "halted"
        case .advance: "advanced"
        case .promote: "promoted"
        case .hold: "held"
        case .resume: "resumed"
        case .retry: "tried again"
        }
    }
}

extension TickJudgement {
    /// Why the step goes on as it is; nil where something is decided.
    var reason: String? {
        switch recommendation {
        case .hold(let reason), .undecided(let reason), .noData(let reason): reason.sentence
        case .rollback, .halt: nil
        case .advance: "the step is shown to be ready"
        }
    }
}

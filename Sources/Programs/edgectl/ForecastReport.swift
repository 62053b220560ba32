import CanaryAnalysis
import Fleet
import Rollouts
import Terminal

/// A forecast as lines for people.
struct ForecastReport {
    private let forecast: PlanForecast
    private let deployment: Deployment
    private let palette: Palette

    init(_ forecast: PlanForecast, of deployment: Deployment, palette: Palette = Console.output.palette) {
        self.forecast = forecast
        self.deployment = deployment
        self.palette = palette
    }

    /// Everything, top to bottom.
    var lines: [StyledText] {
        let title = StyledText("\(deployment.name) by policy/\(forecast.policy)", .strong)
        if let reason = forecast.unknownReason {
            return [title, StyledText("nothing can be forecast: \(reason)", .notice), falseRollbacks]
        }
        if let rules = forecast.rules {
            return [title] + fleet + ["", StyledText("not proven: \(rules.sentence)", .notice)]
        }
        return [title] + fleet + [""] + steps + [""] + cases + [""] + sentences
    }

    // MARK: - Parts

    private var fleet: [StyledText] {
        guard let fleet = forecast.fleet else { return [] }
        let basis = fleet.isMeasured ? "measured in the last rollout" : "by histories"
        return [
            StyledText(
                UnitCounts.words(fleet.units?.count, by: fleet.units?.label, devices: fleet.devices)
                    + ", \(fleet.away) away; \(Quantity.decimal(fleet.requestsPerTick, digits: 1)) "
                    + "requests a tick each (\(basis)), \(Quantity.percent(fleet.failureRate)) failures, devices "
                    + "differ by \(Quantity.decimal(100 * fleet.deviceSpread, digits: 0)) %")
        ]
    }

    private var steps: [StyledText] {
        var table = Table([
            .init("STEP", .right), .init("SIZE"), .init("COHORT", .right), .init("OF", .right),
            .init("BUDGET", .right), .init("SEES", .right), .init("FINDS \(ratio(forecast.tolerance))"),
            .init("COHORT FOR IT", .right), .init("GOOD PASSES"), .init("MEDIAN", .right), .init("90 %", .right),
        ])
        for step in forecast.steps {
            let sees = step.canDecide ? ratio(step.smallestEffect) : "cannot decide"
            table.add([
                StyledText("\(step.step)"), StyledText(step.method == .model ? "picked" : "\(step.size)"),
                StyledText(UnitCounts.prefix(step.units?.canaries, by: step.units?.label) + "\(step.cohort)"),
                StyledText("\(step.listed)"), StyledText(Quantity.percent(step.share)),
                StyledText(sees, step.canDecide || step.advancesUnproven ? .plain : .bad),
                bar(step.toleranceFound), StyledText(step.cohortNeeded.map { "\($0)" } ?? "-"),
                step.advancesUnproven ? StyledText("on soak alone", .faint) : bar(step.promotion.share),
                StyledText(minutes(step.promotion.median)), StyledText(minutes(step.promotion.ninetyPercent)),
            ])
        }
        return table.lines()
    }

    /// How soon each step finds what.
    private var cases: [StyledText] {
        let effects = forecast.steps.first?.effects.map(\.effect) ?? []
        var table = Table(
            [.init("STEP", .right)]
                + effects.flatMap { [.init("\(ratio($0))  50 %", .right), .init("90 %", .right)] })
        for step in forecast.steps {
            table.add(
                [StyledText("\(step.step)")]
                    + step.effects.flatMap {
                        [StyledText(minutes($0.minutes.median)), StyledText(minutes($0.minutes.ninetyPercent))]
                    })
        }
        return table.lines()
    }

    private var sentences: [StyledText] {
        var lines: [StyledText] = []
        if let whole = forecast.promotion {
            let share =
                "a version that changes nothing is promoted in "
                + "\(Quantity.decimal(100 * whole.share, digits: 0)) % of cases"
            let half = whole.median.map { ", in half of all within \(minutes($0))" } ?? ""
            let most = whole.ninetyPercent.map { ", in 90 % within \(minutes($0))" } ?? ""
            lines.append(StyledText(share + half + most))
        }
        if forecast.steps.contains(where: { $0.method == .model }) {
            lines.append(
                StyledText("step 1 is model-based: a person picked its canaries, so it is only as good as the model"))
        }
        lines += watch
        lines.append(falseRollbacks)
        lines.append(placebo)
        if !forecast.notForecast.isEmpty {
            lines.append(StyledText("not forecast: \(forecast.notForecast.joined(separator: ", "))"))
        }
        lines += forecast.faults.map { StyledText("cannot see its tolerance: ", .bad) + StyledText($0.sentence) }
        return lines
    }

    private var watch: [StyledText] {
        guard let watch = forecast.watch else { return [] }
        let span = Quantity.duration(seconds: 3_600 * watch.hours)
        guard watch.held > 0 else {
            return [
                StyledText(
                    "the watch of \(span) compares nothing: no draw of the \(watch.listed) devices left could decide; "
                        + "failed updates and limits are judged", .notice)
            ]
        }
        let seen = watch.smallestEffect.map { "sees \(ratio($0))" } ?? "sees nothing"
        return [
            StyledText(
                "the watch of \(span) keeps \(watch.held) of \(watch.listed) devices on the old version and \(seen); "
                    + "it finds harm of \(ratio(forecast.tolerance)) that is there from its start in "
                    + "\(Quantity.decimal(100 * watch.toleranceFound, digits: 0)) % of cases")
        ]
    }

    private var falseRollbacks: StyledText {
        let rate = forecast.falseRollbacks
        return StyledText(
            "false rollbacks: \(Quantity.decimal(rate.perYear, digits: 1)) a year at "
                + "\(Quantity.decimal(rate.rolloutsPerYear, digits: 0)) rollouts and a budget of "
                + "\(Quantity.percent(rate.budget)); \(Quantity.decimal(rate.perYearAtLowBudget, digits: 1)) at "
                + Quantity.percent(FalseRollbacks.lowBudget))
    }

    private var placebo: StyledText {
        guard let placebo = forecast.placebo else {
            return "placebo draws: none, no evidence of an earlier rollout is stored"
        }
        return StyledText(
            "placebo draws: \(placebo.crossed) of \(placebo.draws) crossed (\(Quantity.percent(placebo.share))), "
                + "\(Quantity.percent(placebo.nominal)) are expected to, over \(placebo.ticks) ticks of "
                + "\(placebo.devices) devices")
    }

    // MARK: - Figures

    private func bar(_ share: Double) -> StyledText {
        StyledText(Bar.filled(share, of: 1, width: 8, palette: palette), share < 0.5 ? .bad : .good)
            + StyledText(" \(Quantity.decimal(100 * share, digits: 0)) %")
    }

    private func ratio(_ value: Double?) -> String { value.map { "x" + Quantity.decimal($0, digits: 2) } ?? "-" }

    private func minutes(_ value: Double?) -> String { value.map { Quantity.duration(seconds: 60 * $0) } ?? "-" }
}

import CanaryAnalysis

extension PlanForecaster {
    /// What a first step can do whose canaries a person picked: by the rule of planning, nothing is simulated.
    func pickedOutlook(
        _ step: ForecastStep, _ planned: PlannedSteps.Step, tolerance: Double
    ) -> (StepOutlook, [Int?]) {
        let model = ModelForecast(
            canaries: planned.drawn, others: planned.listed - planned.drawn, spread: fleet.residualSpread,
            failuresPerTick: fleet.requestsPerTick * fleet.failureRate, plan: step.plan,
            metrics: policy.metrics.count { $0.mode == .guard })
        func minutes(_ tick: Int?) -> ForecastMinutes {
            ForecastMinutes(
                share: tick == nil ? 0 : 1, median: tick.map { Double($0) * policy.heartbeatSeconds / 60 })
        }
        let promotion = model.tick(ofProving: tolerance).map { max($0, step.exposedFrom) }
        var outlook = StepOutlook(
            step: 1, size: policy.steps[0], listed: planned.listedDevices, cohort: planned.drawnDevices,
            units: outlook.units.map {
                UnitCounts(label: $0.label, canaries: planned.drawn, others: planned.listed - planned.drawn)
            },
            share: step.plan.share, canDecide: model.canDecide, devicesNeeded: nil, advancesUnproven: false,
            smallestEffect: model.smallestEffect,
            effects: Self.effects.map { StepOutlook.Effect(effect: $0, minutes: minutes(model.tick(ofFinding: $0))) },
            toleranceFound: model.tick(ofFinding: tolerance) == nil ? 0 : 1,
            cohortNeeded: model.canariesNeeded(toFind: tolerance), promotion: minutes(promotion))
        outlook.method = .model
        outlook.proofNeeded = model.canariesNeeded(toProve: tolerance)
        return (outlook, [Int?](repeating: promotion, count: effort.runs))
    }

    /// Why picked canaries cannot do what the plan promises.
    func pickedFaults(of step: StepOutlook, tolerance: Double) -> [PlanFault] {
        let name = "step 1 (\(step.units?.canaries ?? step.cohort) canaries picked by a person, judged model-based)"
        let wanted = "x\(Self.figure(tolerance))"
        guard step.canDecide else {
            return [
                PlanFault(
                    code: .cannotDecide, step: 1,
                    sentence: "\(name) cannot decide: at least \(ModelForecast.fewestCanaries) canaries must agree, "
                        + "against some more that are not picked; pick others or let the canaries be drawn")
            ]
        }
        func help(_ needed: Int?) -> String {
            guard let needed else { return "a wider tolerance or canaries that are drawn would help" }
            return step.units?.canaries ?? step.cohort < needed
                ? "it takes \(needed) canaries, a wider tolerance or canaries that are drawn"
                : "a longer deadline or more canaries would help"
        }
        var faults: [PlanFault] = []
        if step.toleranceFound < 0.5 {
            faults.append(
                PlanFault(
                    code: .harmUnseen, step: 1,
                    sentence: "\(name) does not find the tolerated \(wanted) by its deadline; "
                        + help(step.cohortNeeded)))
        }
        if step.promotion.share < 0.5 {
            faults.append(
                PlanFault(
                    code: .proofUnreached, step: 1,
                    sentence: "\(name) does not show a version that changes nothing to be within \(wanted) by its "
                        + "deadline; " + help(step.proofNeeded)))
        }
        return faults
    }
}

extension DeviceModelTest {
    /// The test's name in findings and judgements.
    static let name = "model-based"

    /// The words on each metric with the bets in place of the draw's test: what they show, and whether it is proven.
    ///
    /// - Parameter isHarmful: whether the estimated harm of a metric matters.
    func judged(_ metrics: [MetricJudgement], isHarmful: (Int) -> Bool) -> [MetricJudgement] {
        metrics.enumerated().map { index, metric in
            var metric = metric
            metric.evidence = harmEvidence(of: index)
            metric.strongestTest = Self.name
            let safety = safety(of: index)
            metric.safetyEvidence = safety?.look.evidence ?? 0
            metric.safetyBound = safety?.look.bound
            metric.isProven = safety?.isProven ?? false
            metric.isBaselineWorse = false
            let isFailing = harms.contains { $0.metric == index } && isHarmful(index)
            // The judgement's own verdict knows whether there is data; the rest of it is the draw's.
            let hasNoData = metric.verdict == .nodata
            metric.verdict = isFailing ? .fail : hasNoData ? .nodata : metric.isProven ? .pass : .undecided
            return metric
        }
    }

    /// The strongest harm whose estimate matters.
    func finding(_ judged: [MetricJudgement], effect: (MetricJudgement) -> String) -> HarmFinding? {
        for (index, look) in harms where judged[index].verdict == .fail {
            return HarmFinding(
                reason: "harm_proven", metric: judged[index].metric, test: Self.name, evidence: look.evidence,
                bound: look.bound, effect: judged[index].effect, suspect: nil,
                sentence: "canary devices, picked by a person, show \(effect(judged[index])) (model-based evidence "
                    + "\(figure(look.evidence)) against a bound of \(figure(look.bound)))")
        }
        return nil
    }

    /// Why a step does not advance where guarded metrics can have no proof by bets; nil where all can.
    func cannotProve(_ needed: [MetricJudgement]) -> HoldReason? {
        let means = needed.filter { $0.kind == .mean }.map(\.metric)
        guard !means.isEmpty else { return nil }
        return HoldReason(
            code: "cannot_decide",
            sentence:
                "a mean cannot be proven safe on canaries that a person picked: \(means.joined(separator: ", ")); "
                + "let the canaries be drawn, only watch it in the policy, or a person decides")
    }
}

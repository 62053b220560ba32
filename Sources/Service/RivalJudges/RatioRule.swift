/// A ratio of failure rates over a window, looked at every minute; so many looks above the threshold roll back.
///
/// Argo Rollouts counts failed measurements and gives up when there are more than its `failureLimit`; Flagger counts
/// failed checks and gives up when they reach its `threshold`. Neither needs them in a row. Source: their documentation
/// of analysis.
struct RatioRule: RivalJudge {
    private let windowSeconds: Double
    private let ratio: Double
    private let failuresNeeded: Int
    private var window: [(seconds: Double, canary: ArmCounts, baseline: ArmCounts)] = []
    private var failed = 0

    init(windowSeconds: Double, ratio: Double, failuresNeeded: Int) {
        self.windowSeconds = windowSeconds
        self.ratio = ratio
        self.failuresNeeded = failuresNeeded
    }

    mutating func endTick(_ tick: RivalTick) -> Bool {
        window.append((tick.seconds, tick.canary, tick.baseline))
        window.removeAll { $0.seconds <= tick.seconds - windowSeconds }
        guard tick.seconds.truncatingRemainder(dividingBy: 60) == 0 else { return false }
        var canary = ArmCounts()
        var baseline = ArmCounts()
        for one in window {
            canary += one.canary
            baseline += one.baseline
        }
        // 0 / 0 is not a number and compares as false, one against none is infinite and compares as true.
        guard canary.requests > 0, baseline.requests > 0, canary.failures > 0 else { return false }
        if canary.failures / canary.requests > ratio * (baseline.failures / baseline.requests) { failed += 1 }
        return failed >= failuresNeeded
    }
}

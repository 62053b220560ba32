/// How the error budget is shared among the rows of the test.
///
/// Groups of metrics have fixed shares of it, which are scaled up where some are absent, and each is split evenly among
/// its metrics. A metric that is only watched is shown with the weight it would have.
struct RowWeights {
    /// The share of the events: silence, crashes, failed starts, completeness.
    private static let events = 0.3

    /// One per metric.
    let ofMetrics: [Double]
    /// Of all events together.
    let ofEvents: Double

    init(_ metrics: [MetricPlan]) {
        let present = Set(metrics.filter { $0.mode == .guard }.map(\.group))
        let whole = present.reduce(Self.events) { $0 + $1.share }
        ofEvents = Self.events / whole
        ofMetrics = metrics.map { metric in
            let guarded = metrics.count { $0.group == metric.group && $0.mode == .guard }
            return metric.group.share / whole / Double(max(1, guarded))
        }
    }
}

extension TestRow {
    /// All rows of the test; the weights of those that decide add up to 1.
    static func all(of metrics: [MetricFold], _ tracks: [DeviceTracks.Track], units: Units?) -> [TestRow] {
        let weights = RowWeights(metrics.map(\.plan))
        let ofEvent = weights.ofEvents / Double(EventKind.allCases.count)
        return zip(metrics, weights.ofMetrics).flatMap { $0.rows(weight: $1) }
            + EventKind.allCases.map { kind in
                TestRow(
                    metric: kind.rawValue, test: kind.test, weight: ofEvent, decides: true,
                    scores: kind.scores(tracks, by: units))
            }
    }
}

extension MetricPlan.Group {
    fileprivate var share: Double {
        switch self {
        case .failures: 0.3
        case .latency: 0.2
        case .answers: 0.1
        case .resources: 0.1
        }
    }
}

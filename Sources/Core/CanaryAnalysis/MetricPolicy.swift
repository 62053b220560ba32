/// What a policy does with one metric.
public struct MetricPolicy: Codable, Hashable, Sendable {
    /// Whether a metric decides.
    public enum Mode: String, Codable, Hashable, Sendable, CaseIterable {
        /// Failing rolls back; promotion needs proof.
        case `guard`
        /// Judged and shown, never acted on.
        case watch
        /// Not judged.
        case ignore
    }

    /// What happens when a guarded metric fails.
    public enum OnFail: String, Codable, Hashable, Sendable, CaseIterable {
        /// Take the version back.
        case rollback
        /// Stop granting and ask a person.
        case halt
        /// Grant nothing new while it lasts.
        case hold
    }

    /// What happens while a guarded metric has no data.
    public enum OnNoData: String, Codable, Hashable, Sendable, CaseIterable {
        /// Nothing is promoted.
        case hold
        /// The others decide.
        case ignore
    }

    /// The metric, such as `failures`, `latency`, `confidence` or a named share or mean.
    public var name: String
    /// Whether it decides.
    public var mode: Mode
    /// Which way harm goes.
    public var harm: MetricPlan.Harm
    /// The tolerated ratio of canary to baseline, at least 1, such as 1.25; of latency the tolerated ratio of times.
    public var relativeTolerance: Double
    /// The tolerated difference, such as 0.001 for 0.1 points of a share, or in a mean's unit; the wider of both holds.
    public var absoluteTolerance: Double
    /// The share or mean that is too much whatever the baseline does; nil for none.
    public var limit: Double?
    /// What happens when it fails.
    public var onFail: OnFail
    /// What happens while it has no data.
    public var onNoData: OnNoData

    enum CodingKeys: String, CodingKey {
        case name, mode, harm, relativeTolerance, absoluteTolerance, limit, onFail, onNoData
    }

    /// Makes a metric's policy; what is not given has the default of a metric of that name.
    public init(
        name: String, mode: Mode = .guard, harm: MetricPlan.Harm? = nil, relativeTolerance: Double? = nil,
        absoluteTolerance: Double? = nil, limit: Double? = nil, onFail: OnFail = .rollback, onNoData: OnNoData = .hold
    ) {
        let standard = Standard(name)
        self.name = name
        self.mode = mode
        self.harm = harm ?? standard.harm
        self.relativeTolerance = relativeTolerance ?? standard.relative
        self.absoluteTolerance = absoluteTolerance ?? standard.absolute
        self.limit = limit
        self.onFail = onFail
        self.onNoData = onNoData
    }

    /// Reads a metric's policy; every field but the name has a default.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try fields.decode(String.self, forKey: .name),
            mode: try fields.decodeIfPresent(Mode.self, forKey: .mode) ?? .guard,
            harm: try fields.decodeIfPresent(MetricPlan.Harm.self, forKey: .harm),
            relativeTolerance: try fields.decodeIfPresent(Double.self, forKey: .relativeTolerance),
            absoluteTolerance: try fields.decodeIfPresent(Double.self, forKey: .absoluteTolerance),
            limit: try fields.decodeIfPresent(Double.self, forKey: .limit),
            onFail: try fields.decodeIfPresent(OnFail.self, forKey: .onFail) ?? .rollback,
            onNoData: try fields.decodeIfPresent(OnNoData.self, forKey: .onNoData) ?? .hold)
    }
}

extension MetricPolicy {
    /// What is usual for a metric of some name.
    private struct Standard {
        let harm: MetricPlan.Harm
        let relative: Double
        let absolute: Double

        init(_ name: String) {
            switch name {
            case "failures": (harm, relative, absolute) = (.up, 1.25, 0.001)
            case "latency", "latency_p50", "latency_p90", "latency_p99": (harm, relative, absolute) = (.up, 1.25, 0.005)
            case "empty_answers": (harm, relative, absolute) = (.up, 1.25, 0.01)
            case "confidence", "accuracy": (harm, relative, absolute) = (.down, 1, 0.02)
            case _ where name.hasPrefix("class:"): (harm, relative, absolute) = (.either, 1.25, 0.02)
            default: (harm, relative, absolute) = (.up, 1.1, 0)
            }
        }
    }
}

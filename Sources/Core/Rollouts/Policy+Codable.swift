import CanaryAnalysis
import Fleet

extension Policy {
    /// Reads a policy; every field but the name may be left out and then has the product's default.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let standard = Policy(name: try fields.decode(PolicyName.self, forKey: .name))
        func value<Value: Decodable>(_ key: CodingKeys, _ fallback: Value) throws -> Value {
            try fields.decodeIfPresent(Value.self, forKey: key) ?? fallback
        }
        self.init(
            name: standard.name, steps: try value(.steps, standard.steps),
            heartbeatSeconds: try value(.heartbeatSeconds, standard.heartbeatSeconds),
            soakSeconds: try value(.soakSeconds, standard.soakSeconds),
            deadlineSeconds: try value(.deadlineSeconds, standard.deadlineSeconds),
            onDeadline: try value(.onDeadline, standard.onDeadline),
            errorBudget: try value(.errorBudget, standard.errorBudget),
            metrics: try value(.metrics, standard.metrics),
            noDataSeconds: try value(.noDataSeconds, standard.noDataSeconds),
            watchSeconds: try value(.watchSeconds, standard.watchSeconds),
            holdbackShare: try value(.holdbackShare, standard.holdbackShare),
            updateSeconds: try value(.updateSeconds, standard.updateSeconds),
            concurrentUpdates: try value(.concurrentUpdates, standard.concurrentUpdates),
            unit: try value(.unit, standard.unit),
            dryRun: try value(.dryRun, standard.dryRun),
            smallFleetDevices: try value(.smallFleetDevices, standard.smallFleetDevices),
            smallFleetSoakSeconds: try value(.smallFleetSoakSeconds, standard.smallFleetSoakSeconds),
            approvals: try value(.approvals, standard.approvals))
    }

    /// All faults of the policy, each naming its field and the remedy; empty when it can be used.
    public var faults: [FieldFault] {
        var faults: [FieldFault] = []
        func require(_ holds: Bool, _ field: String, _ remedy: String) {
            if !holds { faults.append(FieldFault(field: field, remedy: remedy)) }
        }
        require((1...20).contains(steps.count), "steps", "name 1 to 20 steps, e.g. [\"5%\", \"50%\", \"100%\"]")
        require((1...600).contains(heartbeatSeconds), "heartbeatSeconds", "use 1 to 600 seconds")
        require((0...604_800).contains(soakSeconds), "soakSeconds", "use 0 to 604800 seconds (7 days)")
        require(
            deadlineSeconds > soakSeconds && deadlineSeconds <= 2_592_000, "deadlineSeconds",
            "use more than soakSeconds and at most 2592000 seconds (30 days)")
        require((0.0001...0.2).contains(errorBudget), "errorBudget", "use 0.0001 to 0.2; 0.01 is 1 %")
        require((30...86_400).contains(noDataSeconds), "noDataSeconds", "use 30 to 86400 seconds")
        require((0...2_592_000).contains(watchSeconds), "watchSeconds", "use 0 to 2592000 seconds")
        require((0...0.5).contains(holdbackShare), "holdbackShare", "use 0 to 0.5")
        require((10...1800).contains(updateSeconds), "updateSeconds", "use 10 to 1800 seconds")
        require((1...100_000).contains(concurrentUpdates), "concurrentUpdates", "use 1 to 100000")
        require(
            Labels.isValidKey(unit), "unit",
            "use device, or the name of a label whose values are drawn whole, such as site")
        require(
            (0...1000).contains(smallFleetDevices), "smallFleetDevices", "use 0 to 1000; 0 tests every fleet it can")
        require(
            (0...604_800).contains(smallFleetSoakSeconds), "smallFleetSoakSeconds", "use 0 to 604800 seconds (7 days)")
        require((0...5).contains(approvals), "approvals", "use 0 to 5; the author is never one of them")
        require(
            metrics.count <= Self.metricLimit, "metrics", "name at most \(Self.metricLimit) metrics")
        for (index, metric) in metrics.enumerated() {
            faults += metric.faults(at: "metrics[\(index)]")
            require(
                !metrics[..<index].contains { $0.name == metric.name }, "metrics[\(index)].name",
                "\(metric.name) is named before; name each metric once")
        }
        return faults
    }
}

extension MetricPolicy {
    /// What is wrong with the policy of one metric.
    fileprivate func faults(at field: String) -> [FieldFault] {
        var faults: [FieldFault] = []
        func require(_ holds: Bool, _ part: String, _ remedy: String) {
            if !holds { faults.append(FieldFault(field: "\(field).\(part)", remedy: remedy)) }
        }
        require(
            Self.isName(name), "name",
            "name failures, latency, latency_p50, latency_p90, latency_p99, empty_answers, accuracy, class:NAME, or "
                + "what the devices measure, in small letters, digits and _")
        require((1...100).contains(relativeTolerance), "relativeTolerance", "use 1 to 100; 1.25 tolerates a quarter")
        switch Self.source(of: name) {
        case .counted, .share:
            require((0...1).contains(absoluteTolerance), "absoluteTolerance", "use 0 to 1; 0.001 is 0.1 points")
            require(limit.map { (0...1).contains($0) } ?? true, "limit", "use 0 to 1")
        case .mean:
            require(
                absoluteTolerance >= 0 && absoluteTolerance.isFinite, "absoluteTolerance",
                "use 0 or more, in the metric's own unit")
            require(limit?.isFinite ?? true, "limit", "use a number in the metric's own unit")
        }
        return faults
    }
}

/// What is wrong with one field of a declaration and what to do about it.
public struct FieldFault: Error, Codable, Hashable, Sendable, CustomStringConvertible {
    /// The field, such as `metrics[0].limit`.
    public let field: String
    /// What to do, as an imperative sentence without its period.
    public let remedy: String

    /// Names a fault.
    public init(field: String, remedy: String) {
        self.field = field
        self.remedy = remedy
    }

    /// Field and remedy.
    public var description: String { "\(field): \(remedy)" }
}

import CanaryAnalysis
import RecordedFleets
import Yams

/// Reads the metrics' part of a policy for judging a recording.
///
/// The files come from many hands. So the product's own fields are read and other usual spellings of them; a field that
/// nobody knows is a warning, and only a value that makes no sense is refused.
struct TracePolicyReader {
    /// The file's name for what is said.
    let file: String
    /// What was left out.
    private(set) var warnings: [String] = []
    private(set) var policy = RecordedPolicy()

    /// Prepares to read a file.
    init(file: String) {
        self.file = file
    }

    /// Reads a policy; what is not given has the product's default.
    ///
    /// - Throws: ``ManifestFault`` for the first value that makes no sense.
    mutating func read(_ text: String) throws(ManifestFault) -> RecordedPolicy {
        let documents = try document(text)
        if let document = documents.first(where: { $0.mapping?["kind"]?.string == "Policy" }) ?? documents.first {
            try readFields(document)
        }
        guard policy.deadlineSeconds >= policy.tickSeconds else {
            throw ManifestFault(file: file, fault: "the deadline is shorter than a tick; write a longer one")
        }
        return policy
    }

    private func document(_ text: String) throws(ManifestFault) -> [Node] {
        let nodes = try ManifestReader(file: file).documents(text)
        return nodes.filter { $0 != Node("", Tag(.null)) }
    }

    private mutating func readFields(_ node: Node) throws(ManifestFault) {
        for (key, value) in try node.fields(file) { try readField(key, value) }
    }

    private mutating func readField(_ key: Node, _ value: Node) throws(ManifestFault) {
        let file = file
        switch key.word {
        case "spec", "judge", "policy": try readFields(value)
        case "errorbudget", "budget", "alpha": policy.errorBudget = try value.share(0.0001...0.2, key, file)
        case "heartbeatseconds", "heartbeat", "heartbeatinterval", "tick", "tickseconds", "interval":
            policy.tickSeconds = try value.seconds(0.1...86_400, key, file)
        case "soak", "soakseconds", "minsoak", "minsoakseconds":
            policy.soakSeconds = try value.seconds(0...1e7, key, file)
        case "deadline", "deadlineseconds", "stepdeadline", "stepdeadlineseconds":
            policy.deadlineSeconds = try value.seconds(1...1e8, key, file)
        case "watch", "watchseconds": policy.watchSeconds = try value.seconds(0...1e8, key, file)
        case "update", "updateseconds", "updatetimeout", "updatetimeoutseconds":
            policy.updateSeconds = try value.seconds(0...1e7, key, file)
        case "steps", "plannedsteps": policy.plannedSteps = try value.steps(key, file)
        case "seed": policy.seed = try value.seed(key, file)
        case "unit": policy.unitLabel = value.string.flatMap { ["", "device"].contains($0) ? nil : $0 }
        case "metrics": try readMetrics(value)
        case "tolerances", "tolerance", "margins", "margin": try readTolerances(key, value)
        case "relativetolerance", "absolutetolerance":
            try change("failures") { (metric) throws(ManifestFault) in try metric.read(key, value, file) }
        case "kind", "name", "apiversion", "metadata", "description", "ondeadline", "nodataseconds", "holdbackshare",
            "concurrentupdates":
            break
        default: warn(key)
        }
    }

    // MARK: - Metrics

    /// A list of metrics, or a mapping from their names.
    private mutating func readMetrics(_ node: Node) throws(ManifestFault) {
        policy.metrics = []
        if let list = node.sequence {
            for entry in list {
                if let name = entry.scalar?.string {
                    policy.metrics.append(MetricPolicy(name: name))
                } else {
                    try readMetric(entry)
                }
            }
        } else {
            for (key, value) in try node.fields(file) { try readTolerance(of: key, value) }
        }
    }

    private mutating func readMetric(_ node: Node) throws(ManifestFault) {
        let fields = try node.fields(file)
        guard let name = fields.first(where: { $0.key.word == "name" || $0.key.word == "metric" })?.value.string else {
            throw node.fault("a metric has no name; write `- name: failures`", file)
        }
        var metric = MetricPolicy(name: name)
        for (key, value) in fields where key.word != "name" && key.word != "metric" {
            if try !metric.read(key, value, file) { warn(key) }
        }
        policy.metrics.append(metric)
    }

    /// One ratio for failures, or a mapping from metrics to what is tolerated of them.
    private mutating func readTolerances(_ key: Node, _ node: Node) throws(ManifestFault) {
        let file = file
        guard let mapping = node.mapping, !mapping.keys.allSatisfy({ MetricPolicy.isTolerance($0) }) else {
            try change("failures") { (metric) throws(ManifestFault) in try metric.readTolerance(key, node, file) }
            return
        }
        for (key, value) in mapping { try readTolerance(of: key, value) }
    }

    /// `confidence: 1.1` or `confidence: {absolute: 0.02, mode: guard}`.
    private mutating func readTolerance(of name: Node, _ value: Node) throws(ManifestFault) {
        let file = file
        var unknown: [Node] = []
        try change(name.string ?? "") { (metric) throws(ManifestFault) in
            guard value.mapping != nil else {
                if value.scalar?.string.isEmpty == false { try metric.readTolerance(name, value, file) }
                return
            }
            for (key, inner) in try value.fields(file) where try !metric.read(key, inner, file) { unknown.append(key) }
        }
        for key in unknown { warn(key) }
    }

    /// Changes the policy of a metric, which is guarded where it was not named yet.
    private mutating func change(
        _ name: String, _ body: (inout MetricPolicy) throws(ManifestFault) -> Void
    ) throws(ManifestFault) {
        let place = policy.metrics.firstIndex { $0.name == name }
        var metric = place.map { policy.metrics[$0] } ?? MetricPolicy(name: name)
        try body(&metric)
        if let place { policy.metrics[place] = metric } else { policy.metrics.append(metric) }
    }

    private mutating func warn(_ key: Node) {
        let line = key.mark.map { ":\($0.line)" } ?? ""
        warnings.append("\(file)\(line): field \(key.string ?? "?") is unknown; it is left out")
    }
}

public import Fleet

/// What a person found out about an alarm afterwards: right, or not.
public struct DecisionLabel: Codable, Hashable, Sendable {
    /// The finding.
    public enum Value: String, Codable, Hashable, Sendable, CaseIterable {
        /// The version was harmless.
        case falsePositive = "false_positive"
        /// The version did harm.
        case truePositive = "true_positive"
    }

    /// The finding.
    public var value: Value
    /// Who found it.
    public var by: String
    /// When.
    public var at: Timestamp

    /// Labels a decision.
    public init(_ value: Value, by: String, at: Timestamp) {
        self.value = value
        self.by = by
        self.at = at
    }
}

extension Decision {
    /// True for what can turn out to be right or wrong: a hold, a halt or a rollback that no person ordered.
    public var isAlarm: Bool {
        guard actor == nil else { return false }
        switch kind {
        case .hold, .halt, .rollback: return true
        case .advance, .promote, .resume, .retry: return false
        }
    }
}

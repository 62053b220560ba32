public import Rollouts

/// Settings that somebody asks about instead of those in force.
public struct RetentionChoice: Hashable, Sendable {
    /// How long evidence would be kept; nil as it is.
    public var evidence: KeptTime?
    /// How long the audit log would be kept; nil as it is.
    public var audit: KeptTime?
    /// How long artifacts would be kept; nil as it is.
    public var artifacts: KeptTime?

    /// Asks about the settings in force.
    public init(evidence: KeptTime? = nil, audit: KeptTime? = nil, artifacts: KeptTime? = nil) {
        self.evidence = evidence
        self.audit = audit
        self.artifacts = artifacts
    }
}

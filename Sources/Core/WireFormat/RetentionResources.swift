public import Fleet
public import Rollouts

/// A kind of what is removed when it is kept no longer.
public enum RetentionKind: String, Codable, Hashable, Sendable, CaseIterable {
    /// What decisions of ended rollouts rest on.
    case evidence
    /// The oldest rows of the audit log.
    case audit
    /// Files of versions that nothing uses.
    case artifacts
    /// Uploads that have stopped.
    case uploads
}

/// How long what is collected is kept, and what would go now.
public struct RetentionResource: Codable, Hashable, Sendable {
    /// What would go now, of one kind.
    public struct Expired: Codable, Hashable, Sendable {
        /// The kind.
        public var kind: RetentionKind
        /// How long it is kept.
        public var kept: KeptTime
        /// How many rows or files would go.
        public var count: Int
        /// How many bytes they hold; nil where nobody counts them beforehand.
        public var bytes: UInt64?
        /// What they are: rollouts, versions or rows; at most 100 names.
        public var names: [String]

        /// Describes what would go.
        public init(kind: RetentionKind, kept: KeptTime, count: Int, bytes: UInt64?, names: [String]) {
            self.kind = kind
            self.kept = kept
            self.count = count
            self.bytes = bytes
            self.names = names
        }
    }

    /// When it was last looked for what may go; nil since the start.
    public var lookedAt: Timestamp?
    /// What would go now, by kind.
    public var expired: [Expired]

    /// Describes what would go.
    public init(lookedAt: Timestamp?, expired: [Expired]) {
        self.lookedAt = lookedAt
        self.expired = expired
    }
}

public import Fleet

/// One person's word that a rollout may start.
public struct Approval: Codable, Hashable, Sendable {
    /// Who gave it.
    public let by: String
    /// When.
    public let at: Timestamp
    /// Why, in their words.
    public let reason: String

    /// Keeps an approval.
    public init(by name: String, at now: Timestamp, reason: String) {
        by = name
        at = now
        self.reason = reason
    }
}

/// Why an approval was refused.
public enum ApprovalRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rollout waits for none.
    case notAwaited(RolloutState)
    /// Who wants it cannot approve it.
    case author(String)
    /// They approved it already.
    case given(String)

    /// A sentence for people.
    public var description: String {
        switch self {
        case .notAwaited(let state): "the rollout is \(state.rawValue) and waits for no approval"
        case .author(let name): "\(name) declared this rollout; another person must approve it, whichever key is used"
        case .given(let name): "\(name) has approved this rollout; another person must approve it too"
        }
    }
}

extension Rollout {
    /// Why a rollout waits whose policy wants others to approve it.
    public static let approvalAwaited = "approval_awaited"

    /// How many other people's approvals it waits for before it starts.
    public var approvalsMissing: Int {
        isPlacebo ? 0 : max(0, policy.approvals - (approvals?.count ?? 0))
    }

    /// Whether two names are one person's: capitals and blanks make no other person.
    public static func isOnePerson(_ one: String, _ other: String) -> Bool { identity(one) == identity(other) }

    private static func identity(_ name: String) -> String { name.lowercased().filter { !$0.isWhitespace } }

    /// Somebody else than its author approved it; the last approval that it waits for starts it.
    ///
    /// - Throws: ``ApprovalRefusal``, with nothing changed.
    public mutating func approved(
        by name: String, reason: String, at now: Timestamp
    ) throws(ApprovalRefusal) -> [RolloutAction] {
        guard approvalsMissing > 0, !state.isFinal else { throw .notAwaited(state) }
        if let author, Self.isOnePerson(author, name) { throw .author(name) }
        guard !(approvals ?? []).contains(where: { Self.isOnePerson($0.by, name) }) else { throw .given(name) }
        approvals = (approvals ?? []) + [Approval(by: name, at: now, reason: reason)]
        guard state == .pending else { return [] }
        if approvalsMissing == 0 { wait = nil }
        return started(at: now)
    }

    mutating func awaitApproval(at now: Timestamp) {
        let given = policy.approvals - approvalsMissing
        waitFor(
            Self.approvalAwaited,
            "\(given) of \(policy.approvals) approvals: it starts when "
                + (author.map { "another person than \($0)" } ?? "a person")
                + " approves it (`edgectl rollout approve \(id)`); halt it, or apply another version, to refuse it",
            at: now)
    }
}

public import Fleet
public import ModelTrust
public import WireFormat

/// How rows of the audit log hang together: the hash of each covers the row and the hash before it.
///
/// `hash(n) = SHA-256(hash(n - 1) || row n as canonical JSON)`; the hash before the first row is 32 zero bytes. Whoever
/// knows one hash notices any change of any row up to it.
public enum AuditChain {
    /// The hash of a row.
    ///
    /// - Parameters:
    ///   - previous: the hash of the row before; ``Fleet/Digest/zero`` before the first.
    ///   - digest: SHA-256.
    public static func hash(
        of event: AuditEvent, after previous: Digest, digest: ([UInt8]) -> Digest
    ) -> Digest {
        digest(previous.bytes + canonical(event).serialized())
    }

    /// The row as it is hashed: sorted members, no whitespace, the time as RFC 3339 text; its own hash is not in it.
    public static func canonical(_ event: AuditEvent) -> JSONValue {
        .object([
            "number": .integer(Int64(clamping: event.number)), "at": .string(event.at.description),
            "actor": .string(event.actor), "action": .string(event.action), "subject": .string(event.subject),
            "detail": .object(event.detail.mapValues(JSONValue.string)),
        ])
    }
}

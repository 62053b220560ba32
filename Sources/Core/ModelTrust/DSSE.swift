/// DSSE, the Dead Simple Signing Envelope: what is signed is the type and the bytes, before anyone parses them.
///
/// Source: https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md
public enum DSSE {
    /// The payload type of an in-toto statement.
    public static let inTotoPayloadType = "application/vnd.in-toto+json"

    /// The pre-authentication encoding: `DSSEv1 LEN(type) type LEN(payload) payload`, lengths in bytes as decimal text.
    public static func preAuthenticationEncoding(payloadType: String, payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
    }
}

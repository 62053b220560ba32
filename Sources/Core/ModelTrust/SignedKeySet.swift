import Fleet

/// A key set as it travels: a DSSE envelope with the signatures of one or two recovery keys.
///
/// Each signature brings the public key it is made with. That is no trust in it: a reader believes a key only when its
/// fingerprint is the one it has pinned.
///
/// Source: https://github.com/secure-systems-lab/dsse/blob/v1.0.0/envelope.md
public struct SignedKeySet<Key: PEMKey>: Sendable {
    /// A signature and the key that claims to have made it.
    public struct Signature: Sendable {
        /// The key.
        public let key: Key
        /// The signature over the DSSE pre-authentication encoding, ASN.1 DER.
        public let bytes: [UInt8]
    }

    /// The signed set, as the exact bytes that were signed.
    public let payload: [UInt8]
    /// Who signed it.
    public let signatures: [Signature]

    /// The largest envelope that is read, in bytes.
    public static var limitBytes: Int { 512 << 10 }

    /// Reads an envelope without checking its signatures.
    ///
    /// - Throws: ``KeySetRefusal/malformed(reason:)``.
    public init(parsing text: [UInt8]) throws(KeySetRefusal) {
        do {
            let limits = JSONLimits(bytes: Self.limitBytes, depth: 4)
            self = try Self(try FieldReader(try JSONValue(parsing: text, limits: limits)))
        } catch {
            throw .malformed(reason: "\(error)")
        }
    }

    /// Signs a set: with the recovery key that is trusted so far, and with its successor where the set names another.
    ///
    /// - Throws: what the signing keys throw.
    public static func sign<Signer: MessageSigning>(
        _ set: PublisherKeySet<Key>, with signers: [(key: Key, signer: Signer)]
    ) throws(Signer.Failure) -> [UInt8] {
        let payload = set.serialized()
        let message = DSSE.preAuthenticationEncoding(payloadType: PublisherKeySet<Key>.payloadType, payload: payload)
        var signatures: [JSONValue] = []
        for (key, signer) in signers {
            let signature = try signer.derSignature(over: message)
            signatures.append(
                .object([
                    "keyid": .string(key.fingerprint.hex), "key": .string(key.pem),
                    "sig": .string(Base64.standard.encode(signature)),
                ]))
        }
        return JSONValue.object([
            "payload": .string(Base64.standard.encode(payload)),
            "payloadType": .string(PublisherKeySet<Key>.payloadType), "signatures": .array(signatures),
        ]).serialized()
    }

    /// Whether the key signed this set; nil where it does not say so.
    func isSigned(by fingerprint: Digest) -> Bool? {
        guard let signature = signatures.first(where: { $0.key.fingerprint == fingerprint }) else { return nil }
        let message = DSSE.preAuthenticationEncoding(payloadType: PublisherKeySet<Key>.payloadType, payload: payload)
        return signature.key.accepts(derSignature: signature.bytes, over: message)
    }

    private init(_ fields: FieldReader) throws(FieldFault) {
        try fields.allowOnly(["payload", "payloadType", "signatures"])
        guard try fields.string("payloadType") == PublisherKeySet<Key>.payloadType else {
            throw FieldFault("payloadType must be \(PublisherKeySet<Key>.payloadType)")
        }
        guard let payload = Base64.standard.decode(try fields.string("payload")), !payload.isEmpty else {
            throw FieldFault("payload must be base64")
        }
        let entries = try fields.array("signatures")
        guard (1...2).contains(entries.count) else { throw FieldFault("signatures must hold one or two signatures") }
        var signatures: [Signature] = []
        for entry in entries {
            let entry = try FieldReader(entry, at: "signatures")
            try entry.allowOnly(["keyid", "key", "sig"])
            guard let key = Key.read(pem: try entry.string("key")), try entry.digest("keyid") == key.fingerprint else {
                throw FieldFault("signatures.key must be a public key on P-256 (PEM) with the fingerprint in keyid")
            }
            guard let bytes = Base64.standard.decode(try entry.string("sig")), !bytes.isEmpty else {
                throw FieldFault("signatures.sig must be base64")
            }
            signatures.append(Signature(key: key, bytes: bytes))
        }
        self.payload = payload
        self.signatures = signatures
    }
}

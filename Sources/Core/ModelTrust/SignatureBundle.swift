import Fleet

/// The signature of a version as it lies beside the files: a Sigstore bundle v0.3 that names a key.
///
/// Source: OpenSSF Model Signing v1.0; sigstore_bundle.proto and sigstore_common.proto of sigstore/protobuf-specs.
public struct SignatureBundle: Hashable, Sendable {
    /// SHA-256 of the signing key's PEM text, 64 lower-case hexadecimal digits; unsigned, only good for finding the
    /// key.
    public let keyHint: String
    /// The signed statement, as the exact bytes that were signed.
    public let payload: [UInt8]
    /// The signature over the DSSE pre-authentication encoding, ASN.1 DER.
    public let signature: [UInt8]

    /// Makes a bundle from its parts.
    public init(keyHint: String, payload: [UInt8], signature: [UInt8]) {
        self.keyHint = keyHint
        self.payload = payload
        self.signature = signature
    }

    /// What was signed.
    public var signedMessage: [UInt8] {
        DSSE.preAuthenticationEncoding(payloadType: DSSE.inTotoPayloadType, payload: payload)
    }

    /// The media type of a bundle.
    public static let mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
    /// The largest bundle that is read: about 80,000 files.
    public static let limitBytes = 16 << 20

    /// Reads a bundle, strictly: members that no signature covers are refused unless the format names them.
    ///
    /// - Throws: ``ArtifactRefusal/bundleMalformed(reason:)`` or ``ArtifactRefusal/bundleUnsupported(method:)``.
    public init(parsing text: [UInt8]) throws(ArtifactRefusal) {
        do {
            let document = try JSONValue(parsing: text, limits: JSONLimits(bytes: Self.limitBytes))
            let bundle = try FieldReader(document)
            try bundle.allowOnly(["mediaType", "verificationMaterial", "dsseEnvelope"])
            guard try bundle.string("mediaType") == Self.mediaType else {
                throw FieldFault("mediaType must be \(Self.mediaType)")
            }
            let material = try bundle.object("verificationMaterial")
            if let method = Self.foreignMethod(of: material) { throw BundleFault.method(method) }
            keyHint = try Self.keyHint(in: material)
            (payload, signature) = try Self.envelope(try bundle.object("dsseEnvelope"))
        } catch let fault as JSONFault {
            throw .bundleMalformed(reason: fault.description)
        } catch let fault as FieldFault {
            throw .bundleMalformed(reason: fault.description)
        } catch BundleFault.method(let method) {
            throw .bundleUnsupported(method: method)
        } catch {
            throw .bundleMalformed(reason: "\(error)")
        }
    }

    /// The bundle's JSON text, ending with a newline.
    public func serialized() -> [UInt8] {
        let signed: JSONValue = .object([
            "payload": .string(Base64.standard.encode(payload)),
            "payloadType": .string(DSSE.inTotoPayloadType),
            "signatures": .array([
                .object(["keyid": .string(""), "sig": .string(Base64.standard.encode(signature))])
            ]),
        ])
        let bundle: JSONValue = .object([
            "mediaType": .string(Self.mediaType),
            "verificationMaterial": .object([
                "publicKey": .object(["hint": .string(keyHint)]), "tlogEntries": .array([]),
            ]),
            "dsseEnvelope": signed,
        ])
        return bundle.serialized() + [0x0A]
    }

    private static func foreignMethod(of material: FieldReader) -> String? {
        if material.optional("x509CertificateChain") != nil { return "a certificate chain" }
        if material.optional("certificate") != nil { return "Sigstore's keyless method" }
        return nil
    }

    private static func keyHint(in material: FieldReader) throws(FieldFault) -> String {
        try material.allowOnly(["publicKey", "tlogEntries", "timestampVerificationData"])
        // Nothing covers these; what is not looked at must say nothing, or one signature has many texts.
        guard [nil, .array([])].contains(material.optional("tlogEntries")) else {
            throw FieldFault("verificationMaterial.tlogEntries must be empty for a signature by key")
        }
        guard [nil, .object([:])].contains(material.optional("timestampVerificationData")) else {
            throw FieldFault("verificationMaterial.timestampVerificationData must be empty for a signature by key")
        }
        let key = try material.object("publicKey")
        try key.allowOnly(["hint"])
        return try key.string("hint")
    }

    private static func envelope(_ envelope: FieldReader) throws(FieldFault) -> (payload: [UInt8], signature: [UInt8]) {
        try envelope.allowOnly(["payload", "payloadType", "signatures"])
        guard try envelope.string("payloadType") == DSSE.inTotoPayloadType else {
            throw FieldFault("dsseEnvelope.payloadType must be \(DSSE.inTotoPayloadType)")
        }
        guard let payload = Base64.standard.decode(try envelope.string("payload")), !payload.isEmpty else {
            throw FieldFault("dsseEnvelope.payload must be base64")
        }
        let signatures = try envelope.array("signatures")
        guard signatures.count == 1 else { throw FieldFault("dsseEnvelope.signatures must hold one signature") }
        let signature = try FieldReader(signatures[0], at: "dsseEnvelope.signatures[0]")
        try signature.allowOnly(["sig", "keyid"])
        guard [nil, .string("")].contains(signature.optional("keyid")) else {
            throw FieldFault("dsseEnvelope.signatures[0].keyid must be empty; nothing signs it")
        }
        guard let bytes = Base64.standard.decode(try signature.string("sig")), !bytes.isEmpty else {
            throw FieldFault("dsseEnvelope.signatures[0].sig must be base64")
        }
        return (payload, bytes)
    }
}

private enum BundleFault: Error {
    case method(String)
}

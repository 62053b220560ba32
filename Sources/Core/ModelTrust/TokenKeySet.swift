/// The two numbers of a public RSA key, big-endian without leading zeros.
public struct RSANumbers: Hashable, Sendable {
    /// The modulus: 2048 to 8192 bits.
    public let modulus: [UInt8]
    /// The exponent: odd, 65537 or more.
    public let exponent: [UInt8]

    /// Takes the numbers of a key that is strong enough.
    ///
    /// - Throws: ``TokenKeyFault``.
    public init(modulus: [UInt8], exponent: [UInt8]) throws(TokenKeyFault) {
        guard let top = modulus.first, top != 0, let last = modulus.last, last % 2 == 1 else {
            throw TokenKeyFault("n is no modulus")
        }
        let bits = modulus.count * 8 - top.leadingZeroBitCount
        guard (2048...8192).contains(bits) else { throw TokenKeyFault("it has \(bits) bits; use 2048 to 8192") }
        let value = exponent.reduce(0) { $0 << 8 | UInt64($1) }
        guard exponent.count <= 8, exponent.first != 0, value >= 65_537, value % 2 == 1 else {
            throw TokenKeyFault("its exponent is not an odd number from 65537 on")
        }
        self.modulus = modulus
        self.exponent = exponent
    }
}

/// A public key for tokens as a JSON Web Key describes it (RFC 7517, RFC 8037): on P-256 or Ed25519, or of RSA.
public struct TokenKeyDescription: Hashable, Sendable {
    /// Its name.
    public let keyID: String
    /// What it is for.
    public let algorithm: TokenAlgorithm
    /// `x` and `y` of P-256, 32 bytes each; the 32 bytes of Ed25519; empty for RSA.
    public let point: [UInt8]
    /// The numbers of RSA; nil for a curve.
    public let rsa: RSANumbers?

    /// Describes a key.
    public init(keyID: String, algorithm: TokenAlgorithm, point: [UInt8]) {
        self.keyID = keyID
        self.algorithm = algorithm
        self.point = point
        rsa = nil
    }

    /// Describes an RSA key.
    public init(keyID: String, rsa: RSANumbers) {
        self.keyID = keyID
        algorithm = .rs256
        point = []
        self.rsa = rsa
    }

    /// Reads a JSON Web Key for one of the algorithms.
    ///
    /// - Throws: ``TokenKeyFault`` with why it is not one that tokens are checked with.
    public init(
        _ value: JSONValue, algorithms: [TokenAlgorithm] = SignedToken.ownAlgorithms
    ) throws(TokenKeyFault) {
        guard case .object(let members) = value else { throw TokenKeyFault("it is not an object") }
        func text(_ name: String) throws(TokenKeyFault) -> String {
            guard case .string(let text)? = members[name] else { throw TokenKeyFault("\(name) is missing") }
            return text
        }
        func coordinate(_ name: String) throws(TokenKeyFault) -> [UInt8] {
            guard let bytes = Base64.url.decode(try text(name)), bytes.count == 32 else {
                throw TokenKeyFault("\(name) is not 32 bytes as base64url")
            }
            return bytes
        }
        switch (try text("kty"), try? text("crv")) {
        case ("EC", "P-256"):
            algorithm = .es256
            rsa = nil
            point = try coordinate("x") + coordinate("y")
        case ("OKP", "Ed25519"):
            algorithm = .edDSA
            rsa = nil
            point = try coordinate("x")
        case ("RSA", nil) where algorithms.contains(.rs256):
            algorithm = .rs256
            point = []
            guard let modulus = Base64.url.decode(try text("n")), let exponent = Base64.url.decode(try text("e")) else {
                throw TokenKeyFault("n or e is not base64url")
            }
            rsa = try RSANumbers(modulus: modulus, exponent: exponent)
        case (let type, let curve):
            throw TokenKeyFault("it is of type \(type)\(curve.map { " on \($0)" } ?? "")")
        }
        guard algorithms.contains(algorithm) else { throw TokenKeyFault("it is for \(algorithm.rawValue)") }
        if let named = members["alg"], named != .string(algorithm.rawValue) {
            throw TokenKeyFault("its alg is not \(algorithm.rawValue)")
        }
        if let use = members["use"], use != .string("sig") { throw TokenKeyFault("its use is not sig") }
        if case .array(let operations)? = members["key_ops"], !operations.contains(.string("verify")) {
            throw TokenKeyFault("its key_ops do not include verify")
        }
        guard members["d"] == nil, members["p"] == nil else { throw TokenKeyFault("it is private") }
        keyID = try text("kid")
    }

    /// The JSON Web Key.
    public var value: JSONValue {
        var members: [String: JSONValue] = [
            "kid": .string(keyID), "alg": .string(algorithm.rawValue), "use": .string("sig"),
        ]
        switch algorithm {
        case .edDSA:
            members["kty"] = .string("OKP")
            members["crv"] = .string("Ed25519")
            members["x"] = .string(Base64.url.encode(point))
        case .es256:
            members["kty"] = .string("EC")
            members["crv"] = .string("P-256")
            members["x"] = .string(Base64.url.encode(Array(point.prefix(32))))
            members["y"] = .string(Base64.url.encode(Array(point.suffix(32))))
        case .rs256:
            members["kty"] = .string("RSA")
            members["n"] = .string(Base64.url.encode(rsa?.modulus ?? []))
            members["e"] = .string(Base64.url.encode(rsa?.exponent ?? []))
        }
        return .object(members)
    }
}

/// Why a JSON Web Key is not one that tokens are checked with.
public struct TokenKeyFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason, as a clause.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// A JSON Web Key Set (RFC 7517 section 5): the keys that an issuer signs with.
public struct TokenKeySet: Hashable, Sendable {
    /// The keys that are fit for tokens.
    public let keys: [TokenKeyDescription]
    /// Why the others are not.
    public let faults: [TokenKeyFault]

    /// Makes a set.
    public init(keys: [TokenKeyDescription]) {
        self.keys = keys
        faults = []
    }

    /// Reads a set; keys of other kinds are left out, as the standard asks for.
    ///
    /// - Throws: ``TokenKeyFault`` where the text is no set, or two keys have one name.
    public init(
        parsing text: [UInt8], algorithms: [TokenAlgorithm] = SignedToken.ownAlgorithms
    ) throws(TokenKeyFault) {
        guard let document = try? JSONValue(parsing: text), case .object(let members) = document,
            case .array(let values)? = members["keys"]
        else { throw TokenKeyFault("it is not a JSON Web Key Set") }
        var keys: [TokenKeyDescription] = []
        var faults: [TokenKeyFault] = []
        for value in values {
            do throws(TokenKeyFault) {
                keys.append(try TokenKeyDescription(value, algorithms: algorithms))
            } catch {
                faults.append(error)
            }
        }
        guard Set(keys.map(\.keyID)).count == keys.count else { throw TokenKeyFault("two keys have one kid") }
        self.keys = keys
        self.faults = faults
    }

    /// The JSON text.
    public func serialized() -> [UInt8] { JSONValue.object(["keys": .array(keys.map(\.value))]).serialized() }
}

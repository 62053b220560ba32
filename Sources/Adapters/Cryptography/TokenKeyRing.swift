public import ModelTrust

/// The keys that a controller signs tokens with: the one in use, and the next, known to everybody before it is used.
///
/// A key is used for thirty days. One that was replaced is kept until no token that it signed can still hold.
public struct TokenKeyRing: Sendable {
    /// How long a key is used, in seconds.
    public static let periodSeconds: Int64 = 30 * 86_400
    /// How long a replaced key is still accepted, in seconds: longer than any token lives.
    public static let afterlifeSeconds: Int64 = 2 * 3600

    private struct Entry: Sendable {
        let key: TokenSigningKey
        /// From when on it signs, in seconds since 1970.
        let from: Int64
    }

    private var entries: [Entry]

    /// Makes two keys: one for now, one for later.
    ///
    /// - Throws: ``CryptographyError``.
    public init(at now: Int64) throws(CryptographyError) {
        entries = [
            Entry(key: try .generate(), from: now), Entry(key: try .generate(), from: now + Self.periodSeconds),
        ]
    }

    /// Makes and drops keys as time passes.
    ///
    /// - Returns: whether anything changed and must be kept.
    /// - Throws: ``CryptographyError``.
    public mutating func rotate(at now: Int64) throws(CryptographyError) -> Bool {
        let before = keySet.keys
        // A controller that was off for months starts with a fresh key, and with one that nobody has seen in its place.
        if let last = entries.last, last.from + Self.periodSeconds <= now {
            entries.append(Entry(key: try .generate(), from: now))
        }
        if let last = entries.last, last.from <= now {
            entries.append(Entry(key: try .generate(), from: last.from + Self.periodSeconds))
        }
        while entries.count > 2, entries[1].from + Self.afterlifeSeconds <= now { entries.removeFirst() }
        return keySet.keys != before
    }

    /// The public keys: what `/.well-known/jwks.json` shows.
    public var keySet: TokenKeySet { TokenKeySet(keys: entries.map(\.key.publicKey)) }

    /// The key that signs now.
    public func signingKey(at now: Int64) -> TokenSigningKey {
        (entries.last { $0.from <= now } ?? entries[0]).key
    }

    /// The text of the file that keeps the keys: a secret.
    ///
    /// - Throws: ``CryptographyError``.
    public func serialized() throws(CryptographyError) -> [UInt8] {
        var values: [JSONValue] = []
        for entry in entries {
            values.append(.object(["from": .integer(entry.from), "pem": .string(try entry.key.pem())]))
        }
        return JSONValue.object(["keys": .array(values)]).serialized()
    }

    /// Reads the file's text.
    ///
    /// - Throws: ``CryptographyError``.
    public init(parsing text: [UInt8]) throws(CryptographyError) {
        entries = []
        guard let document = try? JSONValue(parsing: text), case .object(let members) = document,
            case .array(let values)? = members["keys"], !values.isEmpty
        else { throw CryptographyError(operation: "read the token keys", reason: "the file is not what was written") }
        for value in values {
            guard case .object(let members) = value, case .integer(let from)? = members["from"],
                case .string(let pem)? = members["pem"]
            else { throw CryptographyError(operation: "read the token keys", reason: "a key is not what was written") }
            entries.append(Entry(key: try TokenSigningKey(pem: pem), from: from))
        }
    }
}

/// Where a private key lies in a token, as a PKCS #11 URI says: `pkcs11:token=release;object=publisher`.
///
/// Source: RFC 7512. Of its query, `module-path` and `pin-source` are understood; a `pin-value` is refused, because a
/// command line is no place for a secret.
public struct KeyURI: Hashable, Sendable, CustomStringConvertible {
    /// The URI without its query: which key in which token.
    public let locator: String
    /// The name of the key in its token; nil where the URI does not say.
    public let object: String?
    /// The PKCS #11 library to load; nil for the ones that the system names.
    public let modulePath: String?
    /// The file that holds the PIN; nil where the URI does not say.
    public let pinFile: String?

    /// Whether a text is meant as a URI of a key in a token, and not as a file's name.
    public static func isMeant(by text: String) -> Bool { text.hasPrefix("pkcs11:") }

    /// Reads a URI.
    ///
    /// - Throws: ``HardwareKeyError/uri(reason:)``; never with the URI's query, which might hold a secret.
    public init(_ text: String) throws(HardwareKeyError) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard Self.isMeant(by: text) else { throw .uri(reason: "it does not begin with pkcs11:") }
        locator = parts[0]
        let path = try Self.attributes(of: parts[0].dropFirst("pkcs11:".count), separator: ";")
        guard let object = path["object"] ?? path["id"] else {
            throw .uri(reason: "it names no key; give object=LABEL or id=%XX")
        }
        self.object = path["object"] == nil ? nil : object
        let query = try Self.attributes(of: parts.count > 1 ? parts[1][...] : "", separator: "&")
        guard query["pin-value"] == nil else {
            throw .uri(reason: "a PIN on a command line is seen by others; give pin-source=FILE or EDGECTL_PIN instead")
        }
        modulePath = query["module-path"]
        let source = query["pin-source"].map { $0.hasPrefix("file:") ? String($0.dropFirst("file:".count)) : $0 }
        guard source?.hasPrefix("|") != true else {
            throw .uri(reason: "a command as pin-source is not run; give a file")
        }
        pinFile = source.map { $0.hasPrefix("///") ? String($0.dropFirst(2)) : $0 }
        if let unknown = query.keys.sorted().first(where: { !["module-path", "pin-source"].contains($0) }) {
            throw .uri(reason: "\(unknown) is not understood in its query")
        }
    }

    /// The locator, fit for a message.
    public var description: String { locator }

    private static func attributes(
        of text: Substring, separator: Character
    ) throws(HardwareKeyError) -> [String: String] {
        var attributes: [String: String] = [:]
        for pair in text.split(separator: separator) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { throw .uri(reason: "an attribute has no \"=\"") }
            // An id is bytes, not text; it is only passed on.
            guard let value = parts[0] == "id" ? parts[1] : decoded(parts[1]) else {
                throw .uri(reason: "\(parts[0]) is not percent-encoded text")
            }
            guard attributes.updateValue(value, forKey: parts[0]) == nil else {
                throw .uri(reason: "\(parts[0]) is given twice")
            }
        }
        return attributes
    }

    /// The text behind %XX (RFC 3986 section 2.1); nil where it is none.
    private static func decoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

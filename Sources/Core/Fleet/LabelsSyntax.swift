/// The syntax of label keys and values.
///
/// Source: Kubernetes documentation, "Labels and Selectors", section Syntax and character set; the prefix is a DNS
/// subdomain (RFC 1123).
enum LabelsSyntax {
    /// The longest name and value, in bytes.
    static let nameLimit = 63
    /// The longest prefix of a key, in bytes.
    static let prefixLimit = 253

    /// The rule that a key breaks, as a clause; nil for a valid key.
    static func fault(inKey key: String) -> String? {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return fault(inName: parts[0])
        case 2: return fault(inPrefix: parts[0]) ?? fault(inName: parts[1])
        default: return "a key has at most one '/'"
        }
    }

    /// The rule that a value breaks, as a clause; nil for a valid value, such as the empty one.
    static func fault(inValue value: String) -> String? {
        value.isEmpty ? nil : fault(inName: value[...])
    }

    /// True for the bytes of which keys and values consist.
    static func isWordByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "/")
    }

    /// A text cut to a length that fits an error.
    static func shown(_ text: String) -> String {
        text.count > 80 ? text.prefix(80) + "…" : text
    }

    private static func fault(inName name: Substring) -> String? {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, let last = bytes.last else { return "the name is empty" }
        guard bytes.count <= nameLimit else { return "the name is longer than \(nameLimit) bytes" }
        guard bytes.allSatisfy({ isWordByte($0) && $0 != UInt8(ascii: "/") }) else {
            return "only letters, digits, '-', '_' and '.' are allowed"
        }
        guard isAlphanumeric(first), isAlphanumeric(last) else {
            return "it must start and end with a letter or a digit"
        }
        return nil
    }

    private static func fault(inPrefix prefix: Substring) -> String? {
        guard prefix.utf8.count <= prefixLimit else { return "the prefix is longer than \(prefixLimit) bytes" }
        for part in prefix.split(separator: ".", omittingEmptySubsequences: false) {
            let bytes = Array(part.utf8)
            guard let first = bytes.first, let last = bytes.last, isLowerOrDigit(first), isLowerOrDigit(last),
                bytes.count <= nameLimit, bytes.allSatisfy({ isLowerOrDigit($0) || $0 == UInt8(ascii: "-") })
            else { return "the prefix before '/' must be a DNS name in lower case, e.g. example.com" }
        }
        return nil
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}

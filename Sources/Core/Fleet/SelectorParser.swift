/// Reads the text of a selector from left to right.
struct SelectorParser {
    private let text: String
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    /// Reads the whole text.
    mutating func parse() throws(InvalidSelector) -> [Selector.Requirement] {
        guard bytes.count <= Selector.limitBytes else {
            throw fault(
                "it is \(bytes.count) bytes long", "use at most \(Selector.limitBytes)", at: Selector.limitBytes)
        }
        var requirements: [Selector.Requirement] = []
        skipBlanks()
        guard position < bytes.count else { return [] }
        while true {
            requirements.append(try requirement())
            skipBlanks()
            guard position < bytes.count else { return requirements }
            guard take(",") else {
                throw fault("'\(found)' does not belong here", "separate requirements with ','")
            }
        }
    }

    private mutating func requirement() throws(InvalidSelector) -> Selector.Requirement {
        skipBlanks()
        if take("!") {
            skipBlanks()
            return .doesNotExist(key: try key())
        }
        let key = try key()
        skipBlanks()
        if take("!") {
            guard take("=") else { throw fault("'!' stands alone", "write key!=value, or !key for an absent key") }
            return .isNone(of: [try value(of: key)], key: key)
        }
        if take("=") {
            _ = take("=")
            return .isOne(of: [try value(of: key)], key: key)
        }
        let start = position
        switch word() {
        case "": return .exists(key: key)
        case "in": return .isOne(of: try values(of: key), key: key)
        case "notin": return .isNone(of: try values(of: key), key: key)
        case let other:
            throw fault("'\(other)' is no operator", "use =, ==, !=, in or notin after the key", at: start)
        }
    }

    private mutating func key() throws(InvalidSelector) -> String {
        let start = position
        let key = word()
        guard !key.isEmpty else {
            throw fault("a key is missing before \(found.isEmpty ? "the end" : "'\(found)'")", "write a label key")
        }
        if let broken = LabelsSyntax.fault(inKey: key) {
            throw fault("'\(key)' is not a label key", broken, at: start)
        }
        return key
    }

    private mutating func value(of key: String) throws(InvalidSelector) -> String {
        skipBlanks()
        let start = position
        let value = word()
        if let broken = LabelsSyntax.fault(inValue: value) {
            throw fault("'\(value)' is not a value for \(key)", broken, at: start)
        }
        return value
    }

    /// Reads `(a,b)`; an empty place between commas is the empty value.
    private mutating func values(of key: String) throws(InvalidSelector) -> [String] {
        skipBlanks()
        guard take("(") else { throw fault("the values are missing", "list them in parentheses, e.g. (a,b)") }
        let start = position
        var values: Set<String> = []
        var count = 0
        repeat {
            values.insert(try value(of: key))
            count += 1
            skipBlanks()
        } while take(",")
        guard take(")") else { throw fault("the list of values does not end", "close it with ')'") }
        guard count > 1 || values != [""] else {
            throw fault("the list of values is empty", "name at least one value", at: start)
        }
        return values.sorted()
    }

    private mutating func word() -> String {
        let start = position
        while position < bytes.count, LabelsSyntax.isWordByte(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func skipBlanks() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: scalar) else { return false }
        position += 1
        return true
    }

    /// The character at the current place, or nothing at the end.
    private var found: String {
        String(decoding: bytes[position...], as: UTF8.self).prefix(1).description
    }

    private func fault(_ fault: String, _ remedy: String, at place: Int? = nil) -> InvalidSelector {
        InvalidSelector(text: text, position: place ?? position, fault: fault, remedy: remedy)
    }
}

extension JSONValue {
    /// Reads one JSON document, strictly.
    ///
    /// Beyond RFC 8259 it refuses what two readers could understand differently (RFC 7493): a member named twice, text
    /// that is no UTF-8, a lone surrogate, an integer outside 64 bits and a number too large for a double.
    ///
    /// - Throws: ``JSONFault`` with the place and the broken rule.
    public init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONFault) {
        guard bytes.count <= limits.bytes else {
            throw JSONFault(offset: 0, reason: "it is longer than \(limits.bytes) bytes")
        }
        var reader = JSONReader(bytes: bytes, depthLimit: limits.depth)
        self = try reader.document()
    }
}

/// One pass over the bytes of a JSON document.
private struct JSONReader {
    let bytes: [UInt8]
    let depthLimit: Int
    var position = 0

    init(bytes: [UInt8], depthLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
    }

    mutating func document() throws(JSONFault) -> JSONValue {
        let value = try value(depth: 0)
        skipWhitespace()
        guard position == bytes.count else { throw fault("something follows the end of the document") }
        return value
    }

    private mutating func value(depth: Int) throws(JSONFault) -> JSONValue {
        skipWhitespace()
        guard let first = peek else { throw fault("it ends where a value is due") }
        switch first {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw fault("no value begins like this")
        }
    }

    private mutating func object(depth: Int) throws(JSONFault) -> JSONValue {
        try enter(depth)
        var members: [String: JSONValue] = [:]
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipWhitespace()
            guard peek == UInt8(ascii: "\"") else { throw fault("a member's name is due") }
            let name = try string()
            guard members[name] == nil else { throw fault("the member \"\(name)\" appears twice") }
            guard take(UInt8(ascii: ":")) else { throw fault("a colon is due") }
            members[name] = try value(depth: depth)
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw fault("a comma or a closing brace is due") }
        }
    }

    private mutating func array(depth: Int) throws(JSONFault) -> JSONValue {
        try enter(depth)
        var values: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return .array(values) }
        while true {
            values.append(try value(depth: depth))
            if take(UInt8(ascii: "]")) { return .array(values) }
            guard take(UInt8(ascii: ",")) else { throw fault("a comma or a closing bracket is due") }
        }
    }

    private mutating func enter(_ depth: Int) throws(JSONFault) {
        guard depth <= depthLimit else { throw fault("it nests deeper than \(depthLimit) levels") }
        position += 1
    }

    private mutating func literal(_ word: String, _ value: JSONValue) throws(JSONFault) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw fault("no value begins like this") }
        position += word.utf8.count
        return value
    }

    private mutating func number() throws(JSONFault) -> JSONValue {
        let start = position
        if peek == UInt8(ascii: "-") { position += 1 }
        let whole = takeDigits()
        guard let first = whole.first else { throw fault("a digit is due") }
        guard whole.count == 1 || first != UInt8(ascii: "0") else { throw fault("a number may not begin with 0") }
        var isInteger = true
        if peek == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            guard !takeDigits().isEmpty else { throw fault("a digit is due after the point") }
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
            guard !takeDigits().isEmpty else { throw fault("a digit is due in the exponent") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger {
            guard let integer = Int64(text) else { throw fault("the integer does not fit in 64 bits") }
            return .integer(integer)
        }
        guard let number = Double(text), number.isFinite else { throw fault("the number is too large") }
        return .number(number)
    }

    private mutating func string() throws(JSONFault) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let valid = String(validating: text, as: UTF8.self) else { throw fault("the text is no UTF-8") }
                return valid
            case UInt8(ascii: "\\"):
                text.append(contentsOf: String(try escaped()).utf8)
            case 0..<0x20:
                throw fault("a control character must be escaped")
            default:
                text.append(byte)
            }
        }
        throw fault("the text does not end")
    }

    private mutating func escaped() throws(JSONFault) -> Unicode.Scalar {
        guard let letter = peek else { throw fault("the text does not end") }
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw fault("no such escape")
        }
    }

    private mutating func unicodeEscape() throws(JSONFault) -> Unicode.Scalar {
        let unit = try fourDigits()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard (0xD800..<0xDC00).contains(unit), bytes[position...].starts(with: "\\u".utf8) else {
            throw fault("a surrogate stands alone")
        }
        position += 2
        let low = try fourDigits()
        guard (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + low - 0xDC00)
        else { throw fault("a surrogate stands alone") }
        return scalar
    }

    private mutating func fourDigits() throws(JSONFault) -> UInt32 {
        guard position + 4 <= bytes.count,
            bytes[position..<position + 4].allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
            let value = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { throw fault("four hexadecimal digits are due") }
        position += 4
        return value
    }

    private mutating func takeDigits() -> ArraySlice<UInt8> {
        let digits = bytes[position...].prefix { (0x30...0x39).contains($0) }
        position += digits.count
        return digits
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipWhitespace()
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipWhitespace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func fault(_ reason: String) -> JSONFault { JSONFault(offset: position, reason: reason) }
}

/// JSON text that is written value by value.
///
/// An encoder builds a tree of what it encodes first, which takes it several times as long. Whoever writes names that
/// are sorted gets the text that an encoder with sorted keys makes.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    /// Whether a number was written for which JSON has no spelling; the text is not to be used then.
    private(set) var hasNoSpelling = false

    /// - Parameter expectedBytes: room to begin with.
    init(expectedBytes: Int) { bytes.reserveCapacity(expectedBytes) }

    var string: String { String(decoding: bytes, as: UTF8.self) }

    mutating func object(_ members: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "{"))
        members(&self)
        bytes.append(UInt8(ascii: "}"))
    }

    mutating func array(_ elements: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(UInt8(ascii: "["))
        elements(&self)
        bytes.append(UInt8(ascii: "]"))
    }

    /// The name of the value that is written next.
    mutating func name(_ name: String) {
        text(name)
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func text(_ text: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        if !bytes[start...].allSatisfy(Self.isPlain) {
            let raw = Array(bytes[start...])
            bytes.removeSubrange(start...)
            for byte in raw { escape(byte) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func number(_ number: some BinaryInteger) {
        separate()
        bytes.append(contentsOf: String(number).utf8)
    }

    mutating func number(_ number: Double) {
        separate()
        if !number.isFinite { hasNoSpelling = true }
        let digits = number.description
        bytes.append(contentsOf: digits.hasSuffix(".0") ? digits.dropLast(2).utf8 : digits[...].utf8)
    }

    /// A comma, where a value stands before.
    private mutating func separate() {
        switch bytes.last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"): break
        default: bytes.append(UInt8(ascii: ","))
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    /// Source: RFC 8259, section 7.
    private mutating func escape(_ byte: UInt8) {
        guard !Self.isPlain(byte) else { return bytes.append(byte) }
        let short: [UInt8: Character] = [
            0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r", UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\",
        ]
        if let letter = short[byte] {
            bytes.append(contentsOf: "\\\(letter)".utf8)
        } else {
            let digits = String(byte, radix: 16)
            bytes.append(contentsOf: "\\u00\(byte < 0x10 ? "0" : "")\(digits)".utf8)
        }
    }
}

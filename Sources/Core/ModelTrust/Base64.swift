/// Base64 in the two spellings that the signed formats use, read strictly: one byte sequence has one spelling.
///
/// Missing or surplus padding, whitespace, foreign letters and non-zero unused bits are refused, because a lenient
/// reader would give one signature many spellings.
///
/// Source: RFC 4648 sections 4 and 5; padding as RFC 7515 section 2 asks for.
public enum Base64: Hashable, Sendable, CaseIterable {
    /// Letters, digits, `+` and `/`, padded with `=`.
    case standard
    /// Letters, digits, `-` and `_`, never padded.
    case url

    /// Writes bytes as text.
    public func encode(_ bytes: [UInt8]) -> String {
        let letters = Array(alphabet.utf8)
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for (place, byte) in group.enumerated() { bits |= UInt32(byte) << UInt32(16 - 8 * place) }
            for place in 0...group.count {
                text.append(letters[Int(bits >> UInt32(18 - 6 * place)) & 63])
            }
            if self == .standard {
                text.append(contentsOf: repeatElement(Self.padding, count: 3 - group.count))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads text; nil for anything that ``encode(_:)`` would not have written.
    public func decode(_ text: String) -> [UInt8]? {
        guard let letters = unpadded(Array(text.utf8)), letters.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(letters.count * 3 / 4)
        var bits: UInt32 = 0
        var held = 0
        for letter in letters {
            guard let value = value(of: letter) else { return nil }
            bits = bits << 6 | UInt32(value)
            held += 6
            if held >= 8 {
                held -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
                bits &= (1 << UInt32(held)) - 1
            }
        }
        return bits == 0 ? bytes : nil
    }

    private static let padding: UInt8 = 0x3D

    private var alphabet: String {
        let shared = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        return switch self {
        case .standard: shared + "+/"
        case .url: shared + "-_"
        }
    }

    private func unpadded(_ text: [UInt8]) -> ArraySlice<UInt8>? {
        switch self {
        case .url: return text[...]
        case .standard:
            guard text.count.isMultiple(of: 4) else { return nil }
            let tail = text.suffix(2).reversed().prefix { $0 == Self.padding }.count
            return text.dropLast(tail)
        }
    }

    private func value(of letter: UInt8) -> UInt8? {
        switch (letter, self) {
        case (0x41...0x5A, _): letter - 0x41
        case (0x61...0x7A, _): letter - 0x61 + 26
        case (0x30...0x39, _): letter - 0x30 + 52
        case (0x2B, .standard), (0x2D, .url): 62
        case (0x2F, .standard), (0x5F, .url): 63
        default: nil
        }
    }
}

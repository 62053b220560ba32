/// The code of a Swift source: comments and the contents of texts are blanked, so that words in them are not taken for
/// code.
struct SwiftText: Sendable {
    /// The bytes of the source, as many and in the same lines, with blanks in place of comments and texts.
    let code: [UInt8]
    /// The words of the code, in order.
    let words: [Word]
    /// Where each line starts.
    private let lineStarts: [Int]

    /// A word of the code.
    struct Word: Hashable, Sendable {
        let text: String
        /// Counted from 1.
        let line: Int
        /// The place of its first byte.
        let start: Int
        /// The bytes right before and behind it; blanks at the ends.
        let before: UInt8
        let after: UInt8
    }

    init(_ source: String) {
        var blanking = Blanking(Array(source.utf8))
        let code = blanking.blanked()
        self.code = code
        words = Self.words(of: code)
        lineStarts = [0] + code.indices.filter { code[$0] == 0x0A }.map { $0 + 1 }
    }

    private static func words(of code: [UInt8]) -> [Word] {
        var words: [Word] = []
        var line = 1
        var start: Int?
        for (index, byte) in (code + [0x0A]).enumerated() {
            if byte.isWordByte {
                start = start ?? index
            } else if let first = start {
                words.append(
                    Word(
                        text: String(decoding: code[first..<index], as: UTF8.self), line: line, start: first,
                        before: first > 0 ? code[first - 1] : 0x20, after: byte))
                start = nil
            }
            if byte == 0x0A { line += 1 }
        }
        return words
    }

    /// The line of a byte, counted from 1.
    func line(of place: Int) -> Int {
        var (low, high) = (0, lineStarts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= place { low = middle } else { high = middle }
        }
        return low + 1
    }

    /// The place of the bracket that closes the one at `open`; nil where none does.
    func closing(_ open: Int) -> Int? {
        let pairs: [UInt8: UInt8] = [
            UInt8(ascii: "{"): UInt8(ascii: "}"), UInt8(ascii: "("): UInt8(ascii: ")"),
            UInt8(ascii: "["): UInt8(ascii: "]"),
        ]
        guard let close = pairs[code[open]] else { return nil }
        var depth = 0
        for place in open..<code.count {
            if code[place] == code[open] { depth += 1 }
            if code[place] == close { depth -= 1 }
            if depth == 0 { return place }
        }
        return nil
    }
}

extension UInt8 {
    /// True for the bytes of names; those beyond ASCII count as letters.
    var isWordByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...: true
        default: false
        }
    }
}

/// Walks over a source and blanks what is no code.
private struct Blanking {
    private let source: [UInt8]
    private var result: [UInt8]
    private var place = 0

    init(_ source: [UInt8]) {
        self.source = source
        result = source
    }

    mutating func blanked() -> [UInt8] {
        while place < source.count {
            switch source[place] {
            case UInt8(ascii: "/") where follows("//"): blankLine()
            case UInt8(ascii: "/") where follows("/*"): blankComment()
            case UInt8(ascii: "\""): blankText()
            case UInt8(ascii: "#") where isRawText: blankText()
            default: place += 1
            }
        }
        return result
    }

    private func follows(_ text: String) -> Bool { source[place...].starts(with: text.utf8) }

    private var isRawText: Bool {
        source[place...].first { $0 != UInt8(ascii: "#") } == UInt8(ascii: "\"")
    }

    /// Blanks so many bytes; ends of lines stay.
    private mutating func blank(_ count: Int) {
        for _ in 0..<min(count, source.count - place) {
            if source[place] != 0x0A { result[place] = 0x20 }
            place += 1
        }
    }

    private mutating func blankLine() {
        while place < source.count, source[place] != 0x0A { blank(1) }
    }

    private mutating func blankComment() {
        var depth = 0
        repeat {
            if follows("/*") {
                depth += 1
                blank(2)
            } else if follows("*/") {
                depth -= 1
                blank(2)
            } else {
                blank(1)
            }
        } while depth > 0 && place < source.count
    }

    /// Blanks a text with everything in it, interpolated code too; the quotes at both ends stay as they are.
    private mutating func blankText() {
        let hashes = String(decoding: source[place...].prefix { $0 == UInt8(ascii: "#") }, as: UTF8.self)
        place += hashes.utf8.count
        let quote = follows("\"\"\"") ? "\"\"\"" : "\""
        place += quote.utf8.count
        while place < source.count {
            switch source[place] {
            case UInt8(ascii: "\\") where follows("\\" + hashes + "("):
                blank(1 + hashes.utf8.count)
                blankInterpolation()
            case UInt8(ascii: "\\") where hashes.isEmpty: blank(2)
            case UInt8(ascii: "\"") where follows(quote + hashes):
                place += quote.utf8.count + hashes.utf8.count
                return
            default: blank(1)
            }
        }
    }

    private mutating func blankInterpolation() {
        var depth = 0
        repeat {
            if source[place] == UInt8(ascii: "(") { depth += 1 }
            if source[place] == UInt8(ascii: ")") { depth -= 1 }
            if source[place] == UInt8(ascii: "\"") {
                let start = place
                blankText()
                for inner in start..<place where source[inner] != 0x0A { result[inner] = 0x20 }
            } else {
                blank(1)
            }
        } while depth > 0 && place < source.count
    }
}

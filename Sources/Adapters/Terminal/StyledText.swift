/// What a piece of text means; a palette turns it into colour.
public enum Style: Hashable, Sendable {
    /// Ordinary text.
    case plain
    /// A heading or what matters most.
    case strong
    /// Less important than the rest.
    case faint
    /// Something went well.
    case good
    /// Something went wrong.
    case bad
    /// Something waits for attention.
    case notice
}

/// How styles and symbols are written on a stream.
public struct Palette: Hashable, Sendable {
    /// Whether styles become colours.
    public var hasColour: Bool
    /// Whether symbols beyond ASCII are used.
    public var hasUnicode: Bool

    /// Makes a palette.
    public init(hasColour: Bool, hasUnicode: Bool) {
        self.hasColour = hasColour
        self.hasUnicode = hasUnicode
    }

    /// No colour, ASCII only: what files and pipes get.
    public static let plain = Palette(hasColour: false, hasUnicode: false)

    /// The text in its style: ECMA-48 select graphic rendition around it, or nothing.
    func painted(_ text: String, _ style: Style) -> String {
        guard hasColour, !text.isEmpty, let code = Self.code(style) else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    private static func code(_ style: Style) -> String? {
        switch style {
        case .plain: nil
        case .strong: "1"
        case .faint: "2"
        case .good: "32"
        case .bad: "31"
        case .notice: "33"
        }
    }
}

/// A line of text whose pieces have styles; its width is known before it is painted.
public struct StyledText: Hashable, Sendable, ExpressibleByStringInterpolation {
    private struct Piece: Hashable, Sendable {
        var text: String
        var style: Style
    }

    private var pieces: [Piece]

    /// Makes a line of one piece.
    public init(_ text: String, _ style: Style = .plain) {
        pieces = [Piece(text: text.withoutControlCharacters, style: style)]
    }

    /// Makes plain text.
    public init(stringLiteral value: String) { self.init(value) }

    /// The text without its styles.
    public var text: String { pieces.map(\.text).joined() }

    /// How many columns it takes.
    public var width: Int { pieces.reduce(0) { $0 + $1.text.columnWidth } }

    /// Joins two lines into one.
    public static func + (left: StyledText, right: StyledText) -> StyledText {
        var sum = left
        sum.pieces += right.pieces
        return sum
    }

    /// The line cut to so many columns.
    public func prefix(columns: Int) -> StyledText {
        var rest = columns
        var cut = StyledText("")
        for piece in pieces where rest > 0 {
            let text = piece.text.prefix(columns: rest)
            rest -= text.columnWidth
            cut.pieces.append(Piece(text: text, style: piece.style))
            // A wide character that did not fit ends the line: what stands behind it must not take its place.
            guard text.count == piece.text.count else { break }
        }
        return cut
    }

    /// The line as written.
    public func rendered(_ palette: Palette) -> String {
        pieces.map { palette.painted($0.text, $0.style) }.joined()
    }
}

extension String {
    /// How many columns a terminal uses for the text: two for East Asian wide characters and emoji, none for marks.
    ///
    /// Source: Unicode Standard Annex 11, the ranges that are Wide in all of a block, and emoji presentation.
    public var columnWidth: Int { reduce(0) { $0 + $1.columnWidth } }

    /// As much of the text as fits into so many columns.
    func prefix(columns: Int) -> String {
        var used = 0
        return String(
            prefix { character in
                used += character.columnWidth
                return used <= columns
            })
    }

    /// The text with control characters shown as `?`: what a server says must not move the cursor.
    var withoutControlCharacters: String {
        guard unicodeScalars.contains(where: \.movesTheCursor) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { $0.movesTheCursor ? "?" : $0 }))
    }
}

extension Unicode.Scalar {
    /// True for control characters, line and paragraph separators, and marks that turn the direction of writing around
    /// (Unicode Standard Annex 9).
    fileprivate var movesTheCursor: Bool {
        switch value {
        case 0x2028...0x202E, 0x2066...0x2069: true
        default: properties.generalCategory == .control
        }
    }
}

extension Character {
    fileprivate var columnWidth: Int {
        guard let scalar = unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x300...0x36F, 0x200B...0x200F, 0xFE00...0xFE0F: return 0
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x20000...0x3FFFD:
            return 2
        default: return scalar.properties.isEmojiPresentation ? 2 : 1
        }
    }
}

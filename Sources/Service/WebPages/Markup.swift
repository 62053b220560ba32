/// Text of a page that is safe to write: whatever a person, a device or a model named is escaped on its way in.
///
/// Only literals of this program become tags and attribute names.
struct Markup: Hashable, Sendable {
    /// The markup as written.
    let html: String

    private init(html: String) { self.html = html }

    /// Nothing.
    static let none = Markup(html: "")

    /// A text as text.
    static func text(_ text: String) -> Markup { Markup(html: escaped(text)) }

    /// An element around its content.
    static func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>, _ content: [Markup]
    ) -> Markup {
        let list = attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
        return Markup(html: "<\(name)\(list)>\(content.map(\.html).joined())</\(name)>")
    }

    /// An element around a text.
    static func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>, _ text: String
    ) -> Markup {
        element(name, attributes, [.text(text)])
    }

    /// An element without attributes around its content.
    static func element(_ name: StaticString, _ content: [Markup]) -> Markup { element(name, [:], content) }

    /// An element without attributes around a text.
    static func element(_ name: StaticString, _ text: String) -> Markup { element(name, [:], [.text(text)]) }

    /// An element that has no content and no end, such as `meta`.
    static func void(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>) -> Markup {
        Markup(html: "<\(name)\(attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined())>")
    }

    /// What this program wrote itself, such as a style sheet.
    static func literal(_ text: StaticString) -> Markup { Markup(html: "\(text)") }

    /// The text with everything escaped that means something in HTML, and what cannot be shown replaced.
    ///
    /// Marks that turn the direction of writing around (Unicode Standard Annex 9) go too: they make a text look like
    /// another one.
    private static func escaped(_ text: String) -> String {
        var safe = ""
        safe.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x26: safe += "&amp;"
            case 0x3C: safe += "&lt;"
            case 0x3E: safe += "&gt;"
            case 0x22: safe += "&quot;"
            case 0x27: safe += "&#39;"
            case 0x09, 0x0A: safe.unicodeScalars.append(scalar)
            case 0...0x1F, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069, 0xFFFE, 0xFFFF: safe += "\u{FFFD}"
            default: safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }
}

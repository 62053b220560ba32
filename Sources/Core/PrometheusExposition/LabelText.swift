/// Label values as they are written between the braces, such as `model="digits",arm="canary"`.
///
/// Both text formats escape label values alike, so the text is made once per series and names it everywhere.
enum LabelText {
    /// The value that stands for all label sets beyond a family's limit.
    static let other = "other"
    /// The longest value that is kept, in Unicode scalars; the rest is cut off.
    static let valueLimit = 128

    /// Pairs the labels of a family with values, in the order of the declaration.
    static func make(_ labels: [MetricLabel], _ values: [String]) -> String {
        var text = ""
        for (label, value) in zip(labels, values) {
            if !text.isEmpty { text += "," }
            text += label.name
            text += "=\""
            append(value, to: &text)
            text += "\""
        }
        return text
    }

    /// Appends a value with `\`, `"` and newline escaped.
    ///
    /// Other control characters become U+FFFD: Prometheus reads a zero byte as the end of the input, and values such as
    /// failure reasons come from devices.
    static func append(_ value: String, to text: inout String) {
        let plain = value.utf8.count <= valueLimit && value.utf8.allSatisfy(isPlain)
        if plain {
            text += value
            return
        }
        for scalar in value.unicodeScalars.prefix(valueLimit) {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            case "\u{0}"..<"\u{20}", "\u{7F}": text += "\u{FFFD}"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x22 && byte != 0x5C && byte != 0x7F
    }
}

/// One JSON object on one line, its keys in the order in which they were given (RFC 8259).
struct JSONLine {
    /// What a key may have.
    indirect enum Value {
        case null
        case text(String)
        case number(Double)
        case list([Value])

        static func text(_ text: String?) -> Value { text.map { .text($0) } ?? .null }
        static func number(_ number: Double?) -> Value { number.map { .number($0) } ?? .null }
        static func number(_ number: Int?) -> Value { number.map { .number(Double($0)) } ?? .null }

        fileprivate var written: String {
            switch self {
            case .null: "null"
            case .text(let text): JSONLine.quoted(text)
            case .number(let number): JSONLine.written(number)
            case .list(let values): "[" + values.map(\.written).joined(separator: ",") + "]"
            }
        }
    }

    private(set) var text = "{}"

    /// Adds a key.
    mutating func add(_ key: String, _ value: Value) {
        text.removeLast()
        text += (text == "{" ? "" : ",") + Self.quoted(key) + ":" + value.written + "}"
    }

    /// A whole number without a point; what is not finite has no number in JSON.
    private static func written(_ number: Double) -> String {
        guard number.isFinite else { return "null" }
        return number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\" + String(scalar)
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\r": quoted += "\\r"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

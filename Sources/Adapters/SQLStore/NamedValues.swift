import PostgreSQLClient
import Synchronization

/// A statement with `:name` in it as PostgreSQL wants it: `$1` and so on, each name one number.
struct NumberedStatement: Sendable {
    let text: String
    /// The names in the order of their numbers.
    let names: [String]

    /// Reads a statement; what stands in quotes and the casts `::` are left alone.
    init(_ named: String) {
        var text = ""
        var names: [String] = []
        var rest = Substring(named)
        while let character = rest.first {
            if character == "'" || character == "\"" {
                let end = rest.dropFirst().firstIndex(of: character).map { rest.index(after: $0) } ?? rest.endIndex
                text += rest[..<end]
                rest = rest[end...]
            } else if rest.hasPrefix("::") {
                text += "::"
                rest = rest.dropFirst(2)
            } else if character == ":" {
                let name = String(rest.dropFirst().prefix { $0.isLetter || $0.isNumber || $0 == "_" })
                rest = rest.dropFirst(1 + name.count)
                if !names.contains(name) { names.append(name) }
                text += "$\((names.firstIndex(of: name) ?? 0) + 1)"
            } else {
                text.append(character)
                rest = rest.dropFirst()
            }
        }
        self.text = text
        self.names = names
    }
}

/// Turns statements into commands, and remembers how: there are few texts.
final class NumberedStatements: Sendable {
    private let known = Mutex<[String: NumberedStatement]>([:])

    func command(_ statement: SQLStatement) -> PostgreSQLCommand {
        let numbered = known.withLock { known in
            if let one = known[statement.text] { return one }
            let made = NumberedStatement(statement.text)
            known[statement.text] = made
            return made
        }
        return PostgreSQLCommand(
            numbered.text,
            numbered.names.map { name in
                guard let value = statement.values[name] else {
                    preconditionFailure("\(name) has no value in: \(statement.text)")
                }
                return PostgreSQLValue(value)
            })
    }
}

extension PostgreSQLValue {
    init(_ value: SQLValue) {
        switch value {
        case .null: self = .null
        case .integer(let number): self = .integer(number)
        case .text(let text): self = .text(text)
        case .bytes(let bytes): self = .bytes(bytes)
        }
    }
}

extension SQLValue {
    init(_ value: PostgreSQLValue) {
        switch value {
        case .null: self = .null
        case .integer(let number): self = .integer(number)
        case .text(let text): self = .text(text)
        case .bytes(let bytes): self = .bytes(bytes)
        }
    }
}

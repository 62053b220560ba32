import ArgumentParser
import Fleet
import FoundationEssentials
import Terminal
import Yams

/// How results are written.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case table, wide, json, yaml
}

/// `-o`.
struct OutputOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "table, wide, json or yaml.") var output = OutputFormat.table

    var isForPeople: Bool { output == .table || output == .wide }
    var isWide: Bool { output == .wide }

    /// Prints a result: as lines for people, or whole for programs.
    func print(_ value: some Encodable, lines: () throws -> [StyledText]) throws {
        switch output {
        case .table, .wide:
            for line in try lines() { Console.output.print(line) }
        case .json: Console.output.write(try Rendering.json(value))
        case .yaml: Console.output.write(try Rendering.yaml(value))
        }
    }

    /// Prints a list as a table; an empty one is said so beside the result.
    func printTable(_ value: some Encodable, _ table: Table, ifEmpty: String) throws {
        try print(value) {
            guard table.isEmpty else { return table.lines() }
            Console.note(ifEmpty)
            return []
        }
    }
}

/// Values as text for programs.
enum Rendering {
    /// JSON over several lines with sorted keys, and a line's end.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }

    /// YAML in the order of the type's fields, numbers as people write them.
    static func yaml(_ value: some Encodable) throws -> String {
        let text = try YAMLEncoder().encode(value)
        guard let document = try Yams.compose(yaml: text) else { return text }
        return try Yams.serialize(node: withPlainNumbers(document))
    }

    /// The encoder writes 30 as 3e+1; nobody else does.
    private static func withPlainNumbers(_ node: Node) -> Node {
        if let scalar = node.scalar, node.tag == Tag(.float), let number = Double(scalar.string) {
            let isWhole = number == number.rounded() && abs(number) < 1e15
            return Node(isWhole ? "\(Int64(number))" : "\(number)", Tag(isWhole ? .int : .float))
        }
        if let mapping = node.mapping {
            return Node(mapping.map { ($0.key, withPlainNumbers($0.value)) }, Tag(.map), mapping.style)
        }
        if let sequence = node.sequence {
            return Node(sequence.map(withPlainNumbers), Tag(.seq), sequence.style)
        }
        return node
    }

    /// How long ago, or until when.
    static func age(_ moment: Timestamp?, now: Timestamp) -> String {
        guard let moment else { return "-" }
        let seconds = now.seconds(since: moment)
        return seconds >= 0 ? Quantity.duration(seconds: seconds) : "in " + Quantity.duration(seconds: -seconds)
    }

    /// The age for a narrow table, the full time for a wide one.
    static func time(_ moment: Timestamp?, wide: Bool, now: Timestamp) -> StyledText {
        guard let moment else { return "-" }
        return StyledText(wide ? "\(age(moment, now: now)) (\(moment))" : age(moment, now: now))
    }

    /// A number that may be absent.
    static func number(_ value: Double?, digits: Int = 2) -> String {
        value.map { Quantity.decimal($0, digits: digits) } ?? "-"
    }
}

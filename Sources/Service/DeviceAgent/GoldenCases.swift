import ModelTrust

/// The golden inputs of a version and the outputs expected for them: `golden.json`.
struct GoldenCases: Hashable {
    /// One request and what it must answer.
    struct Case: Hashable {
        var name: String
        var path: String
        var body: JSONValue
        var expect: JSONValue
        /// How far a number may be off, in its own unit.
        var tolerance: Double
    }

    /// A file larger than this is not read, bytes.
    static let limitBytes = 8 << 20
    /// More cases than this are not read.
    static let limitCases = 1000

    var cases: [Case]
    /// The longest answer to one input, milliseconds; nil for any.
    var latencyBudgetMs: Double?
    /// The most memory that the runtime may hold after them, bytes; nil for any.
    var memoryBudgetBytes: UInt64?

    /// Reads the file.
    ///
    /// - Parameter manifest: what the version says of its smoke test; fills in what the file leaves out.
    init(parsing bytes: [UInt8], manifest: EdgeVersionManifest.SmokeTest?) throws(GoldenFault) {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes, limits: JSONLimits(bytes: Self.limitBytes))
        } catch {
            throw GoldenFault("golden file: \(error)")
        }
        guard case .object(let members) = document, case .array(let listed)? = members["cases"] else {
            throw GoldenFault("golden file: it has no list of cases")
        }
        guard listed.count <= Self.limitCases else {
            throw GoldenFault("golden file: more than \(Self.limitCases) cases")
        }
        latencyBudgetMs = members["latencyBudgetMs"]?.double ?? manifest?.latencyBudgetMs
        memoryBudgetBytes =
            members["memoryBudgetBytes"]?.double.map { UInt64(clampingRounded: $0) } ?? manifest?.memoryBudgetBytes
        cases = []
        for (index, value) in listed.enumerated() {
            guard case .object(let fields) = value, case .string(let path)? = fields["path"], path.hasPrefix("/"),
                let body = fields["body"], let expect = fields["expect"]
            else { throw GoldenFault("golden file: case \(index + 1) lacks path, body or expect") }
            var name = "case \(index + 1)"
            if case .string(let given)? = fields["name"] { name = given }
            cases.append(
                Case(
                    name: name, path: path, body: body, expect: expect,
                    tolerance: fields["tolerance"]?.double ?? manifest?.tolerance ?? 0))
        }
    }
}

/// Why a golden file or an output was not accepted.
struct GoldenFault: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension JSONValue {
    /// The number, whole or not.
    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// The first place where an output is not what was expected; nil when it is.
    ///
    /// Numbers may differ by the tolerance, everything else must be equal; members that are not expected do not matter.
    func firstDifference(from expected: JSONValue, tolerance: Double, at place: String = "$") -> String? {
        if let wanted = expected.double {
            guard let found = double else { return "\(place) is no number" }
            return abs(found - wanted) <= tolerance ? nil : "\(place) is \(found) where \(wanted) was expected"
        }
        switch (expected, self) {
        case (.array(let wanted), .array(let found)):
            guard wanted.count == found.count else {
                return "\(place) has \(found.count) elements where \(wanted.count) were expected"
            }
            for (index, pair) in zip(wanted, found).enumerated() {
                let difference = pair.1.firstDifference(from: pair.0, tolerance: tolerance, at: "\(place)[\(index)]")
                if let difference { return difference }
            }
            return nil
        case (.object(let wanted), .object(let found)):
            for (name, value) in wanted.sorted(by: { $0.key < $1.key }) {
                guard let member = found[name] else { return "\(place).\(name) is missing" }
                let difference = member.firstDifference(from: value, tolerance: tolerance, at: "\(place).\(name)")
                if let difference { return difference }
            }
            return nil
        case (.null, .null), (.bool, .bool), (.string, .string):
            return self == expected ? nil : "\(place) differs"
        default:
            return "\(place) is of another kind"
        }
    }
}

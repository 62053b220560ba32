import CanaryAnalysis
import Yams

extension Node {
    /// A key without its spelling: `errorBudget`, `error_budget` and `error-budget` are one word.
    var word: String { (string ?? "").lowercased().filter { $0 != "_" && $0 != "-" && $0 != " " } }

    /// A fault at this node's line.
    func fault(_ text: String, _ file: String) -> ManifestFault {
        ManifestFault(file: file, line: mark?.line, fault: text)
    }

    /// The fields of a mapping; none for nothing at all.
    func fields(_ file: String) throws(ManifestFault) -> [(key: Node, value: Node)] {
        if let mapping { return mapping.map { ($0.key, $0.value) } }
        guard self == Node("", Tag(.null)) || scalar?.string == "" else {
            throw fault("must be a mapping of fields, such as `errorBudget: 1%`", file)
        }
        return []
    }

    /// The number written here; `1%` is 0.01.
    private var number: Double? {
        guard let text = scalar?.string.trimmed else { return nil }
        guard text.hasSuffix("%") else { return Double(text).flatMap { $0.isFinite ? $0 : nil } }
        return Double(String(text.dropLast()).trimmed).flatMap { $0.isFinite ? $0 / 100 : nil }
    }

    private var isPercent: Bool { scalar?.string.trimmed.hasSuffix("%") == true }

    private func refused(_ key: Node, _ what: String, _ file: String) -> ManifestFault {
        fault("\(key.string ?? "?") \"\(scalar?.string ?? "...")\": \(what)", file)
    }

    /// A share such as `0.01` or `1%`.
    func share(_ range: ClosedRange<Double>, _ key: Node, _ file: String) throws(ManifestFault) -> Double {
        guard let number, range.contains(number) else {
            throw refused(key, "write a share from \(range.lowerBound) to \(range.upperBound), or as percent", file)
        }
        return number
    }

    /// A tolerated ratio such as `1.25`, or `25%` for the same.
    func ratio(_ key: Node, _ file: String) throws(ManifestFault) -> Double {
        guard let number, case let ratio = isPercent ? 1 + number : number, (1...100).contains(ratio) else {
            throw refused(
                key, "write a ratio of 1 to 100, such as 1.25; a difference is written {absolute: 0.02}", file)
        }
        return ratio
    }

    /// A tolerated difference, in a share's or a mean's unit.
    func difference(_ key: Node, _ file: String) throws(ManifestFault) -> Double {
        guard let number, (0...1e12).contains(number) else {
            throw refused(key, "write a difference of at least 0, such as 0.001 or 0.1%", file)
        }
        return number
    }

    /// Any finite number.
    func amount(_ key: Node, _ file: String) throws(ManifestFault) -> Double {
        guard let number else { throw refused(key, "write a number", file) }
        return number
    }

    /// Seconds such as `30`, `30s`, `10m` or `6h`.
    func seconds(_ range: ClosedRange<Double>, _ key: Node, _ file: String) throws(ManifestFault) -> Double {
        guard let seconds = scalar.flatMap({ Self.seconds($0.string) }), range.contains(seconds) else {
            throw refused(
                key, "write a time such as 30, 30s, 10m or 6h, from \(range.lowerBound) to \(range.upperBound) s", file)
        }
        return seconds
    }

    private static func seconds(_ text: String) -> Double? {
        let units = [
            "": 1, "ms": 0.001, "s": 1, "sec": 1, "second": 1, "seconds": 1, "m": 60, "min": 60, "minute": 60,
            "minutes": 60, "h": 3600, "hour": 3600, "hours": 3600, "d": 86_400, "day": 86_400, "days": 86_400,
        ]
        let digits = text.trimmed.prefix { $0.isNumber || "+-._".contains($0) }
        let unit = String(text.trimmed.dropFirst(digits.count)).trimmed.lowercased()
        guard let number = Double(digits.filter { $0 != "_" }), let factor = units[unit] else { return nil }
        return number * factor
    }

    /// How many steps are planned: of a list, or as a number.
    func steps(_ key: Node, _ file: String) throws(ManifestFault) -> Int {
        let count = sequence.map(\.count) ?? mapping.map(\.count) ?? scalar.flatMap { Int($0.string) } ?? 0
        guard (1...20).contains(count) else { throw refused(key, "name 1 to 20 steps, or how many they are", file) }
        return count
    }

    /// The key of the assignments.
    func seed(_ key: Node, _ file: String) throws(ManifestFault) -> UInt64 {
        guard let seed = scalar.flatMap({ UInt64($0.string) }) else {
            throw refused(key, "write a whole number from 0", file)
        }
        return seed
    }

    /// One of some words.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: Node, _ file: String
    ) throws(ManifestFault) -> Choice where Choice.RawValue == String {
        guard let choice = scalar.flatMap({ Choice(rawValue: $0.string.lowercased()) }) else {
            throw refused(key, "write one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))", file)
        }
        return choice
    }
}

extension MetricPolicy {
    /// Whether a key says what is tolerated, and not of which metric.
    static func isTolerance(_ key: Node) -> Bool {
        ["relative", "ratio", "factor", "relativetolerance", "absolute", "difference", "absolutetolerance"]
            .contains(key.word)
    }

    /// Reads one field; false for one that is unknown.
    @discardableResult
    mutating func read(_ key: Node, _ value: Node, _ file: String) throws(ManifestFault) -> Bool {
        switch key.word {
        case "mode": mode = try value.choice(key, file)
        case "harm", "direction": harm = try value.choice(key, file)
        case "relativetolerance", "relative", "ratio", "factor": relativeTolerance = try value.ratio(key, file)
        case "absolutetolerance", "absolute", "difference": absoluteTolerance = try value.difference(key, file)
        case "limit": limit = value == Node("", Tag(.null)) ? nil : try value.amount(key, file)
        case "tolerance", "margin", "tolerances": try readTolerance(key, value, file)
        case "onfail": onFail = try value.choice(key, file)
        case "onnodata": onNoData = try value.choice(key, file)
        default: return false
        }
        return true
    }

    /// Reads `1.25`, or `{relative: 1.25, absolute: 0.001}`.
    mutating func readTolerance(_ key: Node, _ value: Node, _ file: String) throws(ManifestFault) {
        guard value.mapping != nil else {
            relativeTolerance = try value.ratio(key, file)
            return
        }
        for (inner, number) in try value.fields(file) {
            guard Self.isTolerance(inner), try read(inner, number, file) else {
                throw inner.fault("write relative or absolute here, not \(inner.string ?? "?")", file)
            }
        }
    }
}

extension String {
    /// The text without spaces around it.
    fileprivate var trimmed: String {
        let start = drop { $0 == " " || $0 == "\t" }
        return String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}

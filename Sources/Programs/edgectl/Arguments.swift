import ArgumentParser
import Fleet

/// A span of time such as `30s`, `10m`, `1h`, `2d` or plain seconds.
struct Span: ExpressibleByArgument, Hashable {
    let seconds: Double

    init?(argument: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        let unit = argument.last.flatMap { units[$0] }
        let digits = unit == nil ? argument[...] : argument.dropLast()
        guard let number = Double(digits), number.isFinite, number >= 0, number <= 1e9 else { return nil }
        seconds = number * (unit ?? 1)
    }
}

/// Reads `key=value` pairs of one option.
enum KeyValues {
    /// The pairs as a dictionary.
    ///
    /// - Throws: where one has no `=`, or a key comes twice.
    static func parsed(_ texts: [String], option: String) throws -> [String: String] {
        var pairs: [String: String] = [:]
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw CommandFailure.invalid("\(option) \(text): write it as KEY=VALUE")
            }
            guard pairs.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw CommandFailure.invalid("\(option) \(parts[0]) is given twice; give it once")
            }
        }
        return pairs
    }
}

/// `-l`.
struct SelectorOption: ParsableArguments {
    @Option(
        name: [.customShort("l"), .long], help: "Labels to match, e.g. site=berlin,hw in (nano,orin),!debug.",
        transform: { try Selector($0) })
    var selector = Selector.everything
}

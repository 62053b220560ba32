/// A time of the day in which large downloads may run, such as `22:00-06:00`; it may reach over midnight.
public struct DailyWindow: Hashable, Sendable, CustomStringConvertible {
    /// A day, in seconds.
    public static let daySeconds = 86_400

    /// Its first second, counted from midnight.
    public let startSecond: Int
    /// The first second behind it, counted from midnight.
    public let endSecond: Int

    /// Reads `HH:MM-HH:MM`; nil for anything else, and for a window that is empty.
    public init?(_ text: String) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Self.second(of: $0) }
        guard ends.count == 2, let start = ends[0], let end = ends[1], start != end else { return nil }
        startSecond = start
        endSecond = end
    }

    private static func second(of text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.count == 2 && $0.allSatisfy(\.isWholeNumber) }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
        else { return nil }
        return (hour * 60 + minute) * 60
    }

    /// Whether a second of the day lies in it.
    public func contains(_ second: Int) -> Bool {
        startSecond < endSecond
            ? (startSecond..<endSecond).contains(second) : second >= startSecond || second < endSecond
    }

    /// As it is written.
    public var description: String {
        [startSecond, endSecond].map { second in
            let (hour, minute) = (second / 3600, second / 60 % 60)
            return "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
        }.joined(separator: "-")
    }
}

/// Counts unwanted ends of a runtime: three within five minutes mean that the version is unstable.
public struct CrashWindow: Hashable, Sendable {
    /// So many crashes within the window are too many.
    public static let limit = 3
    /// The window's length, seconds.
    public static let seconds: Double = 300

    private var times: [Double] = []

    /// Makes an empty window.
    public init() {}

    /// Notes a crash; true when it is one too many.
    ///
    /// - Parameter now: seconds on a clock that does not jump.
    public mutating func crashed(at now: Double) -> Bool {
        times.removeAll { now - $0 > Self.seconds }
        times.append(now)
        return times.count >= Self.limit
    }

    /// Forgets everything: another version is served now.
    public mutating func reset() {
        times = []
    }
}

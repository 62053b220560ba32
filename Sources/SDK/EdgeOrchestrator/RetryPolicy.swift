/// How often a call is tried again, and how long it waits before.
///
/// Only what cannot happen twice is repeated: calls that read, that say what shall be, or that carry an
/// `Idempotency-Key`; others only where the connection never stood.
public struct RetryPolicy: Hashable, Sendable {
    /// How often a call is tried in all, at least 1.
    public var attempts: Int
    /// The pause before the second try, in seconds; twice as long before each further one.
    public var firstPauseSeconds: Double
    /// The longest pause, in seconds; one that the controller asks for (`Retry-After`) is kept up to
    /// ``totalSeconds``.
    public var longestPauseSeconds: Double
    /// No try starts later than this after the first one, in seconds.
    public var totalSeconds: Double

    /// Makes a policy.
    public init(
        attempts: Int, firstPauseSeconds: Double = 0.25, longestPauseSeconds: Double = 10, totalSeconds: Double = 120
    ) {
        self.attempts = max(1, attempts)
        self.firstPauseSeconds = firstPauseSeconds
        self.longestPauseSeconds = longestPauseSeconds
        self.totalSeconds = totalSeconds
    }

    /// Every call is made once.
    public static let none = RetryPolicy(attempts: 1)
    /// Six tries within two minutes.
    public static let standard = RetryPolicy(attempts: 6)

    /// The pause after the `failures`-th failure, counted from 1; nil where no further try is due.
    ///
    /// - Parameters:
    ///   - asked: the pause that the controller asked for, in seconds.
    ///   - elapsed: seconds since the first try began.
    ///   - chance: in 0..<1; spreads clients that failed together over the second half of the pause.
    func pause(afterFailure failures: Int, asked: Double?, elapsed: Double, chance: Double) -> Double? {
        guard failures < attempts else { return nil }
        let doubled = firstPauseSeconds * Double(1 << min(failures - 1, 20))
        let own = min(longestPauseSeconds, doubled) * (0.5 + chance / 2)
        let pause = max(own, asked ?? 0)
        return elapsed + pause <= totalSeconds ? pause : nil
    }
}

/// How long to wait before the next try: doubling, bounded, and spread by chance so that a fleet does not move in step.
public struct Backoff: Hashable, Sendable {
    /// The first delay's bound, seconds.
    public let firstSeconds: Double
    /// No delay's bound is longer, seconds.
    public let limitSeconds: Double
    /// Failures in a row.
    public private(set) var failures = 0

    /// Makes a backoff that has not failed yet.
    public init(firstSeconds: Double, limitSeconds: Double) {
        self.firstSeconds = firstSeconds
        self.limitSeconds = limitSeconds
    }

    /// Notes a failure and says how long to wait, seconds: a random part of the bound
    /// ("full jitter").
    ///
    /// - Parameter chance: uniform in 0..<1.
    public mutating func failed(chance: Double) -> Double {
        let bound = min(limitSeconds, firstSeconds * Double(UInt64(1) << UInt64(min(failures, 40))))
        failures += 1
        return bound * chance
    }

    /// Notes a success: the next failure waits short again.
    public mutating func succeeded() {
        failures = 0
    }
}

import Foundation

/// Wakes a waiting loop of the agent; a ring that nobody waits for is kept for the next wait.
public final class Doorbell: Sendable {
    // NSCondition is thread-safe; the flag is touched only while it is locked.
    private let condition = NSCondition()
    private let state = RungState()

    /// `@unchecked Sendable`: read and written only under the doorbell's condition.
    private final class RungState: @unchecked Sendable {
        var isRung = false
    }

    /// Makes a doorbell that was not rung.
    public init() {}

    /// Wakes the waiting loop.
    public func ring() {
        condition.lock()
        state.isRung = true
        condition.broadcast()
        condition.unlock()
    }

    /// Waits for a ring and takes it; false when the time is over without one.
    ///
    /// - Parameter seconds: at most so long; 0 and less only takes a ring that is there.
    @discardableResult
    public func wait(seconds: Double) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while !state.isRung {
            guard seconds > 0, condition.wait(until: deadline) else { break }
        }
        defer { state.isRung = false }
        return state.isRung
    }
}

import Dispatch
import Synchronization

/// Wakes a waiting loop of the agent; a ring that nobody waits for is kept for the next wait.
public final class Doorbell: Sendable {
    private let rings = DispatchSemaphore(value: 0)
    /// Whether a ring waits to be taken: ten rings wake as often as one.
    private let isRung = Mutex(false)

    /// Makes a doorbell that was not rung.
    public init() {}

    /// Wakes the waiting loop.
    public func ring() {
        isRung.withLock { isRung in
            if !isRung { rings.signal() }
            isRung = true
        }
    }

    /// Waits for a ring and takes it; false when the time is over without one.
    ///
    /// - Parameter seconds: at most so long, whatever the machine's clock is set to; 0 and less only takes a ring that
    ///   is there.
    @discardableResult
    public func wait(seconds: Double) -> Bool {
        guard rings.wait(timeout: .now() + max(0, seconds)) == .success else { return false }
        isRung.withLock { $0 = false }
        return true
    }
}

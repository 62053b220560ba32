import Synchronization

/// Lets another thread stop a transfer: trip it, and the sender throws `cancelled` within about a second.
///
/// One cancellation may serve many requests, at once or one after another; once tripped it stays so.
public final class CurlCancellation: Sendable {
    /// Relaxed suffices: the flag carries no other data with it.
    private let tripped = Atomic(false)

    /// Makes one that is not tripped.
    public init() {}

    /// Whether it was tripped.
    public var isCancelled: Bool {
        tripped.load(ordering: .relaxed)
    }

    /// Stops the transfers that use it, and those that will.
    public func cancel() {
        tripped.store(true, ordering: .relaxed)
    }
}

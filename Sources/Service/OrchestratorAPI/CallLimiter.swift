import Fleet
import Synchronization

/// How many calls an operator's credential has left: a bucket that fills again at a steady rate.
struct CallBucket: Hashable, Sendable {
    /// The calls that are left, a fraction of one included.
    private(set) var calls: Double
    /// When it was filled last.
    private var filledAt: Timestamp

    /// A full bucket.
    init(_ bounds: CallLimiter.Bounds, at now: Timestamp) {
        calls = bounds.burst
        filledAt = now
    }

    /// Takes a call out; nil where there was one, else after how many seconds there is.
    ///
    /// A clock that went back fills nothing.
    mutating func take(_ bounds: CallLimiter.Bounds, at now: Timestamp) -> Double? {
        calls = min(bounds.burst, calls + max(0, now.seconds(since: filledAt)) * bounds.perSecond)
        filledAt = now
        guard calls >= 1 else { return (1 - calls) / bounds.perSecond }
        calls -= 1
        return nil
    }
}

/// Bounds how often each operator's credential is served: one machine that runs wild leaves room for the others.
///
/// Devices are not bounded by it: each has one connection, and its interval comes from the controller.
public final class CallLimiter: Sendable {
    /// How often a credential may call.
    public struct Bounds: Hashable, Sendable {
        /// Calls per second for good.
        public let perSecond: Double
        /// Calls at once after a pause: those of two seconds.
        public var burst: Double { 2 * perSecond }

        /// So many calls per second, at least one.
        public init(perSecond: Int) { self.perSecond = Double(max(1, perSecond)) }
    }

    /// How many credentials are remembered; where there are more, those that have not called for long are forgotten.
    static let limit = 10_000

    private let bounds: Bounds
    private let buckets = Mutex<[String: CallBucket]>([:])

    /// Bounds every credential alike.
    public init(_ bounds: Bounds) {
        self.bounds = bounds
    }

    /// Takes a call of a credential; nil where it may be served, else after how many seconds it may.
    func take(_ credential: String, at now: Timestamp) -> Double? {
        buckets.withLock { buckets in
            if buckets.count >= Self.limit, buckets[credential] == nil {
                // A full bucket says nothing that a new one does not; where all are in use, all start anew.
                buckets = buckets.filter { entry in
                    var bucket = entry.value
                    return bucket.take(bounds, at: now) != nil || bucket.calls < bounds.burst - 1
                }
                if buckets.count >= Self.limit { buckets = [:] }
            }
            return buckets[credential, default: CallBucket(bounds, at: now)].take(bounds, at: now)
        }
    }
}

/// The times after which a slow client is cut off, as a decision over values.
///
/// libmicrohttpd's own timeout starts anew with each byte, so that a client that sends one byte now and then holds a
/// connection for ever; these count from the start. The rate rule is the one of Apache's `mod_reqtimeout`
/// (`body=10,MinRate=1024`): the deadline moves on by one second per `minimumBytesPerSecond` received.
public struct ConnectionDeadlines: Sendable, Equatable {
    /// Seconds from the connection, or from the first byte of a later request, until the header fields are complete.
    public var headersSeconds: Double = 10
    /// Seconds a body may take in addition to those its size earns at the minimum rate.
    public var bodyGraceSeconds: Double = 10
    /// The rate in bytes per second a body must reach on average.
    public var minimumBytesPerSecond: Double = 1024
    /// Seconds a request may be held open before the server answers it 503.
    public var heldSeconds: Double = 90
    /// Whole seconds without any traffic after which a connection is closed, at least 1.
    public var idleSeconds: Int = 60

    /// Makes the default deadlines.
    public init() {}

    /// Why a connection in this phase is to be cut off at `now`, or nil while it is in time.
    func overdue(_ phase: ConnectionPhase, now: ContinuousClock.Instant) -> Overdue? {
        switch phase {
        case .idle, .answering, .cutOff:
            nil
        case .receivingHeaders(let since):
            seconds(since, now) > headersSeconds ? .headers : nil
        case .receivingBody(let since, let received):
            seconds(since, now) > bodyGraceSeconds + Double(received) / minimumBytesPerSecond ? .body : nil
        case .held(let since):
            seconds(since, now) > heldSeconds ? .held : nil
        }
    }

    /// How often the watchdog looks, in seconds: often enough that no deadline is missed by more than a quarter.
    var watchIntervalSeconds: Double {
        min(0.5, max(0.01, min(headersSeconds, bodyGraceSeconds, heldSeconds) / 4))
    }

    private func seconds(_ start: ContinuousClock.Instant, _ end: ContinuousClock.Instant) -> Double {
        (end - start) / .seconds(1)
    }
}

/// What a connection is doing, as far as deadlines are concerned.
enum ConnectionPhase: Sendable, Equatable {
    /// Between two requests. Becomes `receivingHeaders` with the next byte.
    case idle(since: ContinuousClock.Instant)
    /// From the first byte (or the connection) until the header fields are complete.
    case receivingHeaders(since: ContinuousClock.Instant)
    /// The body is arriving; `received` bytes of it are here.
    case receivingBody(since: ContinuousClock.Instant, received: UInt64)
    /// The request is complete and waits for an answer from elsewhere.
    case held(since: ContinuousClock.Instant)
    /// The answer is being made or sent; the library's idle timeout watches over it.
    case answering
    /// The watchdog has closed the socket; libmicrohttpd has yet to notice.
    case cutOff
}

/// Which deadline a connection has missed.
enum Overdue: Sendable, Equatable {
    case headers
    case body
    case held
}

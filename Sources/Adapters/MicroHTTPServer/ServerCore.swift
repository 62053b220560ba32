internal import Dispatch
import Synchronization
internal import WebMessages

/// What the server's threads, its watchdog and its owner share.
final class ServerCore: Sendable {
    let configuration: MicroHTTPServer.Configuration
    let handler: any WebHandler
    let observer: any WebServerObserver
    let connections = ConnectionRegistry()
    /// Entered by each request line, left by each completion.
    let requestsInFlight = DispatchGroup()
    /// Set before held requests are swept and read under each exchange's lock before it suspends, so that none
    /// is suspended after the sweep.
    let isStopping = Atomic(false)
    private let requestCount = Atomic(0)
    private let heldCount = Atomic(0)
    private let connectionLimit: Int

    init(
        configuration: MicroHTTPServer.Configuration, handler: any WebHandler, observer: any WebServerObserver
    ) {
        self.configuration = configuration
        self.handler = handler
        self.observer = observer
        connectionLimit = configuration.effectiveConnectionLimit
    }

    /// Requests suspended at this moment.
    ///
    /// Relaxed: a gauge orders nothing.
    var heldRequestCount: Int {
        heldCount.load(ordering: .relaxed)
    }

    /// A request was suspended (+1) or answered after that (-1).
    ///
    /// Relaxed: a gauge orders nothing.
    func heldRequestsChanged(by difference: Int) {
        heldCount.wrappingAdd(difference, ordering: .relaxed)
    }

    /// Why a connection from `address` is refused at accept, or nil to take it.
    ///
    /// `address` is asked for only when a limit needs it. Two threads that accept at once may overshoot a limit by
    /// one each.
    func refusal(address: () -> String) -> RejectionReason? {
        if isStopping.load(ordering: .sequentiallyConsistent) {
            return .stopping
        }
        if connections.count >= connectionLimit {
            return .tooManyConnections
        }
        if let limit = configuration.connectionLimitPerAddress, connections.count(from: address()) >= limit {
            return .tooManyConnections
        }
        return nil
    }

    /// A request line was read.
    func requestStarted() {
        requestsInFlight.enter()
        requestCount.wrappingAdd(1, ordering: .relaxed)
    }

    /// A request is over.
    func requestEnded() {
        requestCount.wrappingSubtract(1, ordering: .relaxed)
        requestsInFlight.leave()
    }

    /// Looks at every connection once and cuts off what is overdue.
    func enforceDeadlines(now: ContinuousClock.Instant) {
        for record in connections.snapshot() {
            switch record.enforce(configuration.deadlines, now: now) {
            case .headers: observer.requestRejected(.headersTimeout)
            case .body: observer.requestRejected(.bodyTooSlow)
            case .held: record.exchange?.releaseIfHeld(.heldTooLong, reason: .heldTooLong)
            case nil: break
            }
        }
    }

    /// Refuses what is new, answers what is held, and waits for the rest.
    ///
    /// Returns how many requests did not finish.
    func drain(withinSeconds limitSeconds: Int) -> Int {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        for record in connections.snapshot() {
            record.exchange?.releaseIfHeld(.stopping, reason: .stopping)
        }
        let outcome = requestsInFlight.wait(timeout: .now() + .seconds(max(0, limitSeconds)))
        return outcome == .success ? 0 : max(0, requestCount.load(ordering: .relaxed))
    }
}

import Dispatch
import Synchronization

/// Connections that are lent to one caller at a time, at most so many.
///
/// After a connection could not be made, callers are refused at once for a while that grows from try to try: a server
/// that is away costs nobody's time, and one that comes back is not stormed.
public final class PostgreSQLPool: Sendable {
    /// Limits of a pool.
    public struct Limits: Sendable {
        /// The most connections, 1 or more.
        public var connections = 4
        /// Seconds to wait for one that is lent out.
        public var waitSeconds = 5.0
        /// The first pause after a connection could not be made, in seconds; doubled from try to try.
        public var firstPauseSeconds = 0.1
        /// The longest pause, in seconds.
        public var longestPauseSeconds = 5.0

        /// The defaults.
        public init() {}
    }

    private struct State {
        var idle: [Lent] = []
        var failures = 0
        var failure: PostgreSQLError?
        var mayTryAt = ContinuousClock.now
    }

    /// `@unchecked Sendable`: a connection is lent to one caller at a time and never used while it waits here.
    private struct Lent: @unchecked Sendable {
        let connection: PostgreSQLConnection
    }

    private let address: PostgreSQLAddress
    private let settings: PostgreSQLConnection.Settings
    private let limits: Limits
    private let state = Mutex(State())
    private let free: DispatchSemaphore

    /// Makes a pool; no connection is made yet.
    public init(
        _ address: PostgreSQLAddress, _ settings: PostgreSQLConnection.Settings = .init(), limits: Limits = Limits()
    ) {
        self.address = address
        self.settings = settings
        self.limits = limits
        free = DispatchSemaphore(value: max(1, limits.connections))
    }

    /// Lends a connection for the time of the body.
    ///
    /// - Throws: ``PostgreSQLError`` where there is none to lend; what the body throws.
    public func lend<Result>(_ body: (PostgreSQLConnection) throws -> Result) throws -> Result {
        guard free.wait(timeout: .now() + limits.waitSeconds) == .success else {
            throw PostgreSQLError(
                .exhausted, "all \(limits.connections) connections were busy for \(limits.waitSeconds) s")
        }
        defer { free.signal() }
        let connection = try idleOrMade()
        defer {
            if !connection.isBroken { giveBack(Lent(connection: connection)) }
        }
        return try body(connection)
    }

    private func giveBack(_ lent: Lent) { state.withLock { $0.idle.append(lent) } }

    private func idleOrMade() throws(PostgreSQLError) -> PostgreSQLConnection {
        while let lent = state.withLock({ $0.idle.popLast() }) {
            if lent.connection.looksAlive() { return lent.connection }
        }
        return try make()
    }

    /// Makes a connection that belongs to the caller, under the same pauses.
    ///
    /// - Throws: ``PostgreSQLError``, at once during a pause.
    public func make() throws(PostgreSQLError) -> PostgreSQLConnection {
        let pausing = state.withLock { $0.mayTryAt > ContinuousClock.now ? $0.failure : nil }
        if let pausing { throw pausing }
        do {
            let made = try PostgreSQLConnection(address, settings)
            state.withLock {
                $0.failures = 0
                $0.failure = nil
            }
            return made
        } catch {
            state.withLock {
                let doubled = limits.firstPauseSeconds * Double(1 << min($0.failures, 20))
                // Half of the pause is chance, so that several callers do not come back together.
                let seconds = min(doubled, limits.longestPauseSeconds) * Double.random(in: 0.5...1)
                $0.failures += 1
                $0.failure = error
                $0.mayTryAt = ContinuousClock.now + .seconds(seconds)
            }
            throw error
        }
    }

    /// Ends connections that nobody has.
    public func closeIdle() { state.withLock { $0.idle = [] } }
}

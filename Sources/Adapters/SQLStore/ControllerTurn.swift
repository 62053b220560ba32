import Foundation
import PostgreSQLClient
import Synchronization

/// The one controller's turn on a PostgreSQL database: a lock on a connection of its own, and its epoch.
///
/// The lock keeps a second controller from starting; it is gone with the connection that holds it. The epoch is what
/// makes a controller that lost its lock harmless: whoever takes the lock next begins another epoch.
final class ControllerTurn: Sendable {
    /// The lock's number, of this product's choice: the letters "edgeorch".
    static let lockNumber: Int64 = 0x6564_6765_6F72_6368

    /// The epoch that began with this controller.
    let epoch: Int64
    private let pool: PostgreSQLPool
    private let address: PostgreSQLAddress
    private let seconds: Double

    /// `@unchecked Sendable`: it lives in a mutex, and its connection is used under that only.
    private struct State: @unchecked Sendable {
        var lock: PostgreSQLConnection
        var isSuperseded = false
    }

    private let state: Mutex<State>

    private init(
        epoch: Int64, lock: PostgreSQLConnection, pool: PostgreSQLPool, address: PostgreSQLAddress, seconds: Double
    ) {
        self.epoch = epoch
        self.pool = pool
        self.address = address
        self.seconds = seconds
        let state = State(lock: lock)
        self.state = Mutex(state)
    }

    /// A connection that holds the lock; waits a while for a controller that has just ended.
    static func lock(
        _ pool: PostgreSQLPool, _ address: PostgreSQLAddress, _ limits: PostgreSQLLimits
    ) throws -> PostgreSQLConnection {
        let connection = try pool.make()
        let deadline = ContinuousClock.now + .seconds(limits.lockWaitSeconds)
        while try !take(connection, within: limits.exchangeSeconds) {
            guard ContinuousClock.now < deadline else { throw SQLStoreError.inUse(path: "\(address)") }
            Thread.sleep(forTimeInterval: 0.1)
        }
        return connection
    }

    private static func take(_ connection: PostgreSQLConnection, within seconds: Double) throws -> Bool {
        // As a number, because a boolean and an integer are read the same.
        let rows = try connection.run(
            [PostgreSQLCommand("SELECT pg_try_advisory_lock($1)", [.integer(lockNumber)])], within: seconds)
        return rows.first?.rows.first?.first == .integer(1)
    }

    /// Begins an epoch; waits for the end of what the controller before still has under way.
    static func begin(
        _ lock: PostgreSQLConnection, _ pool: PostgreSQLPool, _ address: PostgreSQLAddress, _ limits: PostgreSQLLimits
    ) throws -> (ControllerTurn, WriteProgress) {
        let rows = try lock.run(
            [PostgreSQLCommand("UPDATE controller SET epoch = epoch + 1 RETURNING epoch, committed")],
            within: limits.exchangeSeconds)
        guard let row = rows.first?.rows.first, case .integer(let epoch) = row[0], case .integer(let number) = row[1]
        else {
            throw SQLStoreError.unreadable(
                table: "controller", key: "its row", reason: "there must be exactly one row")
        }
        let turn = ControllerTurn(
            epoch: epoch, lock: lock, pool: pool, address: address, seconds: limits.exchangeSeconds)
        return (turn, WriteProgress(number: number))
    }

    /// Makes sure of the lock, and takes it again where its connection was lost and nobody else took it.
    ///
    /// - Throws: ``SQLStoreError/superseded(path:)`` for ever after another controller had its turn.
    func check() throws {
        try state.withLock { state in
            guard !state.isSuperseded else { throw SQLStoreError.superseded(path: "\(address)") }
            guard !state.lock.looksAlive() else { return }
            let connection = try pool.make()
            guard try Self.take(connection, within: seconds) else { throw SQLStoreError.inUse(path: "\(address)") }
            let rows = try connection.run([PostgreSQLCommand("SELECT epoch FROM controller")], within: seconds)
            guard rows.first?.rows.first?.first == .integer(epoch) else {
                state.isSuperseded = true
                throw SQLStoreError.superseded(path: "\(address)")
            }
            state.lock = connection
        }
    }

    /// Notes that another controller had its turn.
    func superseded() -> SQLStoreError {
        state.withLock { $0.isSuperseded = true }
        return .superseded(path: "\(address)")
    }
}

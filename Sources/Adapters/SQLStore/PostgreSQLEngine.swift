import Foundation
import Orchestration
import PostgreSQLClient

/// PostgreSQL through a pool, with the controller's lock on a connection of its own.
///
/// Every write moves the row of `controller` within its transaction. That row says whose turn it is (`epoch`) and how
/// far it came (`committed`): a controller that was replaced changes nothing any more, however late its words arrive,
/// and a commit whose answer was lost is looked up.
final class PostgreSQLEngine: SQLEngine {
    let pool: PostgreSQLPool
    private let limits: PostgreSQLLimits
    private let turn: ControllerTurn
    private let statements = NumberedStatements()
    // Writes take turns; the number of a write is given under it.
    private let writing = NSLock()
    private let progress: WriteProgress

    init(_ address: PostgreSQLAddress, _ limits: PostgreSQLLimits) throws {
        self.limits = limits
        let pool = PostgreSQLPool(address, limits.connection, limits: limits.pool)
        self.pool = pool
        (turn, progress) = try Self.named("open \(address)") {
            let lock = try ControllerTurn.lock(pool, address, limits)
            try PostgreSQLSchema.bringUp(lock, within: limits.exchangeSeconds)
            return try ControllerTurn.begin(lock, pool, address, limits)
        }
    }

    // MARK: - Reading

    func read<Result>(_ operation: String, _ body: (any SQLReading) throws -> Result) throws -> Result {
        try Self.named(operation) {
            do {
                return try readOnce(body)
            } catch let error as PostgreSQLError where error.cause == .lost || error.endsConnection {
                // A server that was restarted leaves connections that looked alive.
                return try readOnce(body)
            }
        }
    }

    private func readOnce<Result>(_ body: (any SQLReading) throws -> Result) throws -> Result {
        try pool.lend { connection in
            let seconds = limits.exchangeSeconds
            _ = try connection.run(
                [PostgreSQLCommand("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")], within: seconds)
            do {
                let result = try body(
                    PostgreSQLReading(connection: connection, statements: statements, seconds: seconds))
                _ = try connection.run([PostgreSQLCommand("COMMIT")], within: seconds)
                return result
            } catch {
                undo(connection)
                throw error
            }
        }
    }

    func probe() throws {
        try Self.named("probe") {
            try turn.check()
            _ = try pool.lend { try $0.run([PostgreSQLCommand("SELECT 1")], within: limits.exchangeSeconds) }
        }
    }

    // MARK: - Writing

    func write(_ statements: [SQLStatement]) throws {
        writing.lock()
        defer { writing.unlock() }
        try Self.named("commit") {
            guard progress.unsettled == nil else { throw UnsettledCommit(reason: "one before was not settled yet") }
            try turn.check()
            let number = progress.next()
            do {
                try attempt(number) { try $0.put(statements) }
            } catch let error as PostgreSQLError
                where (error.cause == .lost || error.endsConnection) && !progress.isCommitting
            {
                // A server that was restarted leaves connections that looked alive: nothing was committed on this one.
                try turn.check()
                try attempt(number) { try $0.put(statements) }
            }
        }
    }

    func fill(_ body: (any SQLWriting) throws -> Void) throws {
        writing.lock()
        defer { writing.unlock() }
        try Self.named("commit") {
            guard progress.unsettled == nil else { throw UnsettledCommit(reason: "one before was not settled yet") }
            try turn.check()
            try attempt(progress.next(), body)
        }
    }

    private func attempt(_ number: Int64, _ body: (any SQLWriting) throws -> Void) throws {
        progress.isCommitting = false
        let outcome = try pool.lend { connection -> PostgreSQLError? in
            do {
                try claim(number, connection)
                try body(
                    PostgreSQLWriting(connection: connection, statements: statements, limits: limits))
            } catch {
                undo(connection)
                throw error
            }
            progress.isCommitting = true
            do {
                _ = try connection.run([PostgreSQLCommand("COMMIT")], within: limits.exchangeSeconds)
                return nil
            } catch let error as PostgreSQLError where error.isUncertain || error.leavesOutcomeOpen {
                return error
            }
        }
        if let outcome { try lookUp(number, after: outcome) }
    }

    /// Begins the transaction, and makes sure that it is this controller's turn.
    private func claim(_ number: Int64, _ connection: PostgreSQLConnection) throws {
        let claimed = try connection.run(
            [
                PostgreSQLCommand("BEGIN"),
                PostgreSQLCommand(
                    "UPDATE controller SET committed = $2 WHERE epoch = $1 RETURNING epoch",
                    [.integer(turn.epoch), .integer(number)]),
            ], within: limits.exchangeSeconds)
        guard claimed.last?.rows.count == 1 else { throw turn.superseded() }
    }

    private func undo(_ connection: PostgreSQLConnection) {
        guard !connection.isBroken else { return }
        // Where this fails the connection is broken, and the server undoes what it began.
        _ = try? connection.run([PostgreSQLCommand("ROLLBACK")], within: limits.exchangeSeconds)
    }

    /// Asks on another connection what became of a commit.
    private func lookUp(_ number: Int64, after error: PostgreSQLError) throws {
        progress.unsettled = number
        let deadline = ContinuousClock.now + .seconds(limits.settleSeconds)
        while true {
            do {
                guard try outcome() else {
                    progress.isCommitting = false
                    throw error
                }
                return
            } catch let fault as PostgreSQLError where progress.unsettled != nil {
                guard ContinuousClock.now < deadline else {
                    throw UnsettledCommit(reason: "the answer to a commit was lost: \(error); and \(fault)")
                }
                Thread.sleep(forTimeInterval: 0.2)
            }
        }
    }

    func settle() throws -> Bool {
        writing.lock()
        defer { writing.unlock() }
        return try Self.named("settle a commit") { try outcome() }
    }

    /// Whether the unsettled commit took place; false where there is none.
    ///
    /// The row is locked for the question: the transaction in doubt holds it until it has ended one way or the other.
    private func outcome() throws -> Bool {
        guard let number = progress.unsettled else { return false }
        let rows = try pool.lend { connection in
            try connection.run(
                [PostgreSQLCommand("SELECT epoch, committed FROM controller FOR UPDATE")],
                within: limits.exchangeSeconds)
        }
        guard let row = rows.first?.rows.first, row.first == .integer(turn.epoch) else { throw turn.superseded() }
        progress.unsettled = nil
        return row.last == .integer(number)
    }

    static func named<Result>(_ operation: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as PostgreSQLError {
            throw SQLStoreError(error, operation: operation)
        }
    }
}

/// One transaction that reads.
struct PostgreSQLReading: SQLReading {
    let connection: PostgreSQLConnection
    let statements: NumberedStatements
    let seconds: Double

    func rows(_ statement: SQLStatement) throws -> [SQLRow] {
        try connection.run([statements.command(statement)], within: seconds).first?.rows.map { row in
            SQLRow(values: row.map(SQLValue.init))
        } ?? []
    }
}

/// One transaction that writes.
private struct PostgreSQLWriting: SQLWriting {
    let connection: PostgreSQLConnection
    let statements: NumberedStatements
    let limits: PostgreSQLLimits

    func put(_ list: [SQLStatement]) throws {
        var rest = list.map(statements.command)[...]
        while !rest.isEmpty {
            _ = try connection.run(Array(rest.prefix(limits.batchStatements)), within: limits.exchangeSeconds)
            rest = rest.dropFirst(limits.batchStatements)
        }
    }
}

/// How far the writes came.
///
/// `@unchecked Sendable`: only whoever holds the engine's lock of writing uses it.
final class WriteProgress: @unchecked Sendable {
    /// The number of the last write that was tried.
    private var number: Int64
    /// The number of a write of which nobody knows whether it took place.
    var unsettled: Int64?
    /// Whether the write under way has asked for its end.
    var isCommitting = false

    init(number: Int64) {
        self.number = number
    }

    func next() -> Int64 {
        number += 1
        return number
    }
}

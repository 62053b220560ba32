import Foundation
import GRDB
import Orchestration
import PostgreSQLClient

@testable import SQLStore
@testable import SimulatedWorld

/// A kind of store, how it is made, and how it is opened again by the next controller.
enum StoreKind: CaseIterable {
    case memory, sqlite, postgresql

    /// The kinds that are a database.
    static let databases: [StoreKind] = [.sqlite, .postgresql]
}

/// A store that can be closed and opened again.
final class StorePlace {
    let kind: StoreKind
    private(set) var store: any OrchestratorStore
    private let path = NSTemporaryDirectory() + "store-\(UUID().uuidString).sqlite"
    let database: String

    init(_ kind: StoreKind) throws {
        self.kind = kind
        database = kind == .postgresql ? try PostgreSQLServer.makeDatabase() : ""
        store = MemoryStore()
        store = try open()
    }

    /// Opens it while the store before may still be there.
    func open() throws -> any OrchestratorStore {
        switch kind {
        case .memory: MemoryStore()
        case .sqlite: try DatabaseStore(sqlite: path)
        case .postgresql: try DatabaseStore(postgreSQL: PostgreSQLServer.address(database), Self.limits)
        }
    }

    /// Short waits, so that a test of a refusal does not take long.
    static var limits: PostgreSQLLimits {
        var limits = PostgreSQLLimits()
        limits.lockWaitSeconds = 1
        limits.pool.firstPauseSeconds = 0.01
        limits.pool.longestPauseSeconds = 0.05
        return limits
    }

    /// Opens it as the next controller does, once the one before is gone.
    func reopened() throws -> any OrchestratorStore {
        guard kind != .memory else { return store }
        store = MemoryStore()
        store = try open()
        return store
    }

    func reopen() throws { _ = try reopened() }

    /// Reads all of it while it is open.
    func reader() throws -> StoreReader {
        kind == .postgresql
            ? try StoreReader(postgreSQL: PostgreSQLServer.address(database)) : try StoreReader(sqlite: path)
    }

    /// Closes it and makes it a database that the program before wrote.
    func toSchema3() throws {
        try toSchema4()
        try execute(["DROP TABLE restores", "UPDATE schema_version SET version = 3"])
    }

    /// The same of the program after that one.
    func toSchema4() throws {
        close()
        let guarded =
            kind == .postgresql
            ? [
                "DROP TRIGGER audit_is_cut_at_its_beginning ON audit", "DROP TRIGGER audit_never_changes ON audit",
                "DROP FUNCTION audit_is_cut_at_its_beginning",
                """
                CREATE TRIGGER audit_never_changes BEFORE UPDATE OR DELETE ON audit
                FOR EACH ROW EXECUTE FUNCTION audit_is_only_added_to()
                """,
            ]
            : [
                "DROP TRIGGER audit_is_cut_at_its_beginning",
                """
                CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
                BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END
                """,
            ]
        try execute(guarded + ["DROP TABLE audit_beginnings", "UPDATE schema_version SET version = 4"])
    }

    /// Carries statements out as whoever owns the tables.
    func execute(_ statements: [String]) throws {
        if kind == .postgresql {
            for statement in statements { try PostgreSQLServer.execute(statement, in: database) }
            return
        }
        try DatabaseQueue(path: path).write { database in
            for statement in statements { try database.execute(sql: statement) }
        }
    }

    /// Closes it.
    func close() { store = MemoryStore() }

    deinit {
        close()
        for suffix in ["", "-wal", "-shm", ".lock"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        if !database.isEmpty { try? PostgreSQLServer.removeDatabase(database) }
    }
}

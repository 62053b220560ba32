import Fleet
import Foundation
import GRDB
import Orchestration
import Rollouts
import Testing
import WireFormat

@testable import SQLStore
@testable import SimulatedWorld

/// What is particular to the store on SQLite.
@Suite struct SQLiteStoreTests {
    private let path = NSTemporaryDirectory() + "controller-\(UUID().uuidString).sqlite"

    @Test("a second controller on the same data is refused until the first is gone")
    func lock() throws {
        var first: DatabaseStore? = try DatabaseStore(sqlite: path)
        #expect { try DatabaseStore(sqlite: path) } throws: { error in
            guard case SQLStoreError.inUse = error else { return false }
            return "\(error)".contains("another controller")
        }
        try first?.probe()
        first = nil
        try DatabaseStore(sqlite: path).probe()
    }

    @Test("a database of a newer program is refused and left as it is")
    func newer() throws {
        _ = try DatabaseStore(sqlite: path)
        try DatabaseQueue(path: path).write { database in
            try database.execute(sql: "UPDATE schema_version SET version = 99")
        }
        #expect(throws: SQLStoreError.newerSchema(found: 99, known: SQLiteSchema.version)) {
            try DatabaseStore(sqlite: path)
        }
        let version = try DatabaseQueue(path: path).read {
            try Int.fetchOne($0, sql: "SELECT version FROM schema_version")
        }
        #expect(version == 99)
    }

    @Test("opening again changes nothing in the schema")
    func migrations() throws {
        _ = try DatabaseStore(sqlite: path)
        func schema() throws -> [String] {
            try DatabaseQueue(path: path).read {
                try String.fetchAll($0, sql: "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
            }
        }
        let first = try schema()
        _ = try DatabaseStore(sqlite: path)
        #expect(try schema() == first)
        #expect(first.count > 10)
    }

    @Test("a commit that returned is synced: the log is written ahead and flushed in full")
    func durable() throws {
        let store = try DatabaseStore(sqlite: path)
        let engine = try #require(store.engine as? SQLiteEngine)
        let facts = try engine.pool.write { database in
            try ["journal_mode", "synchronous"].map { try String.fetchOne(database, sql: "PRAGMA \($0)") }
        }
        #expect(facts == ["wal", "2"], "2 is FULL")
    }

    @Test("a record that cannot be read is named, not skipped")
    func unreadable() throws {
        _ = try DatabaseStore(sqlite: path)
        try DatabaseQueue(path: path).write { database in
            try database.execute(sql: "INSERT INTO devices (id, document) VALUES ('a', '{')")
        }
        let store = try DatabaseStore(sqlite: path)
        #expect { try store.load() } throws: { error in
            guard case SQLStoreError.unreadable(let table, _, _) = error else { return false }
            return table == "devices"
        }
    }

    @Test("a directory that is not there is named")
    func missing() {
        #expect { try DatabaseStore(sqlite: "/nowhere/at/all.sqlite") } throws: { error in
            guard case SQLStoreError.directory = error else { return false }
            return true
        }
    }
}

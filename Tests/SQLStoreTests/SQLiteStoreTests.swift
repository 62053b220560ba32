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
        var first: SQLiteStore? = try SQLiteStore(path: path)
        #expect { try SQLiteStore(path: path) } throws: { error in
            guard case SQLStoreError.inUse = error else { return false }
            return "\(error)".contains("another controller")
        }
        try first?.probe()
        first = nil
        try SQLiteStore(path: path).probe()
    }

    @Test("a database of a newer program is refused and left as it is")
    func newer() throws {
        _ = try SQLiteStore(path: path)
        try DatabaseQueue(path: path).write { database in
            try database.execute(sql: "UPDATE schema_version SET version = 99")
        }
        #expect(throws: SQLStoreError.newerSchema(found: 99, known: Schema.version)) { try SQLiteStore(path: path) }
        let version = try DatabaseQueue(path: path).read {
            try Int.fetchOne($0, sql: "SELECT version FROM schema_version")
        }
        #expect(version == 99)
    }

    @Test("opening again changes nothing in the schema")
    func migrations() throws {
        _ = try SQLiteStore(path: path)
        func schema() throws -> [String] {
            try DatabaseQueue(path: path).read {
                try String.fetchAll($0, sql: "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
            }
        }
        let first = try schema()
        _ = try SQLiteStore(path: path)
        #expect(try schema() == first)
        #expect(first.count > 10)
    }

    @Test("a commit that returned is synced: the log is written ahead and flushed in full")
    func durable() throws {
        let store = try SQLiteStore(path: path)
        let facts = try store.pool.write { database in
            try ["journal_mode", "synchronous"].map { try String.fetchOne(database, sql: "PRAGMA \($0)") }
        }
        #expect(facts == ["wal", "2"], "2 is FULL")
    }

    @Test("a record that cannot be read is named, not skipped")
    func unreadable() throws {
        _ = try SQLiteStore(path: path)
        try DatabaseQueue(path: path).write { database in
            try database.execute(sql: "INSERT INTO devices (id, document) VALUES ('a', '{')")
        }
        let store = try SQLiteStore(path: path)
        #expect { try store.load() } throws: { error in
            guard case SQLStoreError.unreadable(let table, _, _) = error else { return false }
            return table == "devices"
        }
    }

    @Test("a directory that is not there is named")
    func missing() {
        #expect { try SQLiteStore(path: "/nowhere/at/all.sqlite") } throws: { error in
            guard case SQLStoreError.directory = error else { return false }
            return true
        }
    }

    @Test("a whole rollout is rolled back on it across restarts, and every count is there")
    func rollback() throws {
        let place = StorePlace(path: path)
        let world = try World(store: place.open())
        try world.settle()
        world.failureRates[world.versions[1].digest] = 0.4
        try world.want(2)
        for round in 1...40 where world.rollout?.state != .rolledBack {
            try world.run(1)
            if round.isMultiple(of: 3) { try world.restartController(store: place.reopened) }
        }
        #expect(world.decided == [.rollback])
        #expect(world.serving(1).count == 12)
        try world.run(3)
        for device in world.devices {
            let totals = try world.controller.device(device.id).totals.map { ($0.digest, $0.totals) }
            #expect(Dictionary(uniqueKeysWithValues: totals) == device.runtime.counted, "\(device.id)")
        }
    }
}

/// A database file whose store is closed before it is opened again.
private final class StorePlace {
    private let path: String

    init(path: String) { self.path = path }

    func open() throws -> any OrchestratorStore { try SQLiteStore(path: path) }

    func reopened() throws -> any OrchestratorStore { try open() }
}

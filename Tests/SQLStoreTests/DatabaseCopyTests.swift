import Fleet
import Foundation
import Orchestration
import PostgreSQLClient
import Testing
import WireFormat

@testable import SQLStore
@testable import SimulatedWorld

/// Everything from one database in another.
@Suite struct DatabaseCopyTests {
    private func everything(_ store: DatabaseStore) throws -> [String: [[SQLValue]]] {
        try store.engine.read("read everything") { reading in
            Dictionary(
                uniqueKeysWithValues: try StoredTable.all.map { table in
                    var rows: [[SQLValue]] = []
                    try table.pages(reading) { rows += $0.map(\.values) }
                    return (table.name, rows)
                })
        }
    }

    @Test(
        "a fleet moves from SQLite to PostgreSQL and back without loss, and its rollout goes on", arguments: [2, 2500])
    func copied(labels: Int) throws {
        let source = try StorePlace(.sqlite)
        let target = try StorePlace(.postgresql)
        let back = try StorePlace(.sqlite)
        let world = try World(store: source.store)
        try world.settle()
        try world.want(2)
        try world.run(6)
        for round in 1...labels {
            _ = try world.controller.patch(
                world.devices[0].id, DevicePatch(labels: try Labels(["round": "\(round)"])), by: world.person)
        }
        let first = try #require(source.store as? DatabaseStore)
        let second = try #require(target.store as? DatabaseStore)
        let rows = try second.copy(from: first)
        let before = try everything(first)
        #expect(try everything(second) == before)
        #expect(rows.allSatisfy { before[$0.table]?.count == $0.rows })
        #expect(before["audit"]?.count ?? 0 > labels && before["evidence"]?.isEmpty == false)
        let third = try #require(back.store as? DatabaseStore)
        _ = try third.copy(from: second)
        #expect(try everything(third) == before)
        #expect(throws: SQLStoreError.self, "it is not empty") { try second.copy(from: first) }
        try world.restartController(store: { second })
        #expect(try world.run(atMost: 60) { world.serving(2).count == 12 && $0.rollout != nil })
    }

    @Test("a copy names every table but those of the engines themselves")
    func tables() throws {
        let place = try StorePlace(.postgresql)
        let names = try PostgreSQLServer.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'", in: place.database)
        let own = ["controller", "schema_version"]
        #expect(
            Set(names.map { $0[0] }) == Set((StoredTable.all.map(\.name) + own).map { .text($0) }))
    }

    @Test("a schema is looked at without a change, and brought up once by two at a time")
    func schema() throws {
        let name = try PostgreSQLServer.makeDatabase()
        defer { try? PostgreSQLServer.removeDatabase(name) }
        let address = try PostgreSQLServer.address(name)
        #expect(try DatabaseStore.schema(postgreSQL: address).found == 0)
        #expect(try DatabaseStore.schema(postgreSQL: address).isCurrent == false)
        DispatchQueue.concurrentPerform(iterations: 2) { _ in
            #expect(throws: Never.self) { try DatabaseStore.migrate(postgreSQL: address) }
        }
        #expect(try DatabaseStore.schema(postgreSQL: address).isCurrent)
        let path = NSTemporaryDirectory() + "schema-\(UUID().uuidString).sqlite"
        #expect(try DatabaseStore.schema(sqlite: path).found == 0)
        #expect(!FileManager.default.fileExists(atPath: path))
        _ = try DatabaseStore(sqlite: path)
        #expect(try DatabaseStore.schema(sqlite: path).isCurrent)
        let open = try DatabaseStore(postgreSQL: address, StorePlace.limits)
        #expect(throws: SQLStoreError.self, "a controller has it") {
            try DatabaseStore.migrate(postgreSQL: address, StorePlace.limits)
        }
        try open.probe()
    }
}

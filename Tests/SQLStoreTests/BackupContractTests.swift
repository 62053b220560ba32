import BackupFiles
import Fleet
import Foundation
import Orchestration
import PostgreSQLClient
import Rollouts
import Synchronization
import Testing
import WireFormat

@testable import SQLStore
@testable import SimulatedWorld

/// A backup of each engine while its controller runs, restored into each.
@Suite final class BackupContractTests {
    private let root = NSTemporaryDirectory() + "backup-\(UUID().uuidString)"

    deinit { try? FileManager.default.removeItem(atPath: root) }

    private func backedUp(_ place: StorePlace, takenAt: Timestamp) throws -> Backup {
        let writer = try BackupWriter(BackupDirectory(path: root), takenAt: takenAt)
        let content = try place.reader().read { table, pages in
            try writer.file("tables/\(table).jsonl") { file in try pages { try file.put($0) } }
        }
        var manifest = BackupManifest(schema: SQLiteSchema.version, program: "1", takenAt: takenAt, database: "any")
        manifest.auditRows = content.auditRows
        manifest.restores = content.restores
        manifest.largestAssignment = content.largestAssignment
        manifest.tables = content.rows.map { BackupManifest.TableRows(table: $0.table, rows: $0.rows) }
        _ = try writer.finish(manifest)
        return try Backup(at: root)
    }

    private func fill(_ place: StorePlace, from backup: Backup, at now: Timestamp) throws -> DatabaseStore {
        let store = try #require(place.store as? DatabaseStore)
        let restore = StoredRestore(
            number: backup.manifest.restores + 1, backup: backup.name, takenAt: backup.manifest.takenAt,
            restoredAt: now, auditRows: backup.manifest.auditRows)
        let rows = try store.fill(noting: restore) { table, take in
            try backup.lines(of: "tables/\(table).jsonl", take)
        }
        let counted = rows.map { BackupManifest.TableRows(table: $0.table, rows: $0.rows) }
        #expect(counted == backup.manifest.tables)
        return store
    }

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
        "what a running controller holds is restored without loss into either engine; numbers and audit log go on",
        arguments: StoreKind.databases, StoreKind.databases)
    func restored(from kind: StoreKind, into other: StoreKind) throws {
        let place = try StorePlace(kind)
        let target = try StorePlace(other)
        let world = try World(store: place.store)
        try world.settle()
        try world.want(2)
        #expect(try world.run(atMost: 9) { $0.rollout?.progress.exposed == 4 })
        let taken = world.time.now
        let backup = try backedUp(place, takenAt: taken)
        var before = try everything(try #require(place.store as? DatabaseStore))
        #expect(backup.manifest.largestAssignment > 0 && backup.manifest.auditRows > 0)
        try world.order(.rollback)
        try world.run(4)
        let seen = try world.devices.map { try world.controller.device($0.id).assignment }.max() ?? 0
        let store = try fill(target, from: backup, at: world.time.now)
        var after = try everything(store)
        #expect(after["restores"]?.count == 1 && before["restores"] == [])
        after["restores"] = nil
        before["restores"] = nil
        #expect(after == before && after["evidence"]?.isEmpty == false)
        try world.restartController(store: { store })
        try world.run(5)
        #expect(world.rollout?.state == .halted && world.rollout?.waitReason == Rollout.waitsRestored)
        #expect(world.serving(2).isEmpty)
        try world.order(.resume)
        #expect(try world.run(atMost: 9) { $0.serving(2).count == 4 })
        for device in world.serving(2) { #expect(try world.controller.device(device.id).assignment > seen) }
        let rows = try world.controller.audit(after: 0, limit: 10_000)
        #expect(rows.map(\.number) == Array(1...UInt64(rows.count)))
        #expect(rows.first { $0.restoredRows != nil }?.number == backup.manifest.auditRows + 1)
    }

    @Test("a backup is of one moment, whatever is committed meanwhile", arguments: StoreKind.databases)
    func moment(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let store = place.store
        func pair(_ number: Int) throws {
            try store.commit([
                .policy(Policy(name: try PolicyName("p\(number)"))),
                .audit(
                    AuditEvent(
                        number: UInt64(number), at: TestTime.start, actor: "ada", action: "a", subject: "p\(number)",
                        hash: .zero)),
            ])
        }
        for number in 1...50 { try pair(number) }
        var next = 51
        let content = try place.reader().read { table, pages in
            try pages { _ in }
            // Between any two tables the controller goes on.
            try pair(next)
            next += 1
        }
        #expect(content.rows.first { $0.table == "policies" }?.rows == 50)
        #expect(content.rows.first { $0.table == "audit" }?.rows == 50 && content.auditRows == 50)
        #expect(try store.audit(after: 0, limit: 1000).count == next - 1)
    }

    @Test("strange and large values come through a backup as they are", arguments: StoreKind.databases)
    func values(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let target = try StorePlace(kind == .sqlite ? .postgresql : .sqlite)
        let texts = [
            "", "Straße \u{301}é", "日本語 🛰️ 👩‍👩‍👧", "\u{0}zero\u{0}", "'; --", "\u{2028}\u{FEFF}\u{202E}\r\n\t\\\"",
            String(repeating: "0123456789abcdef", count: 1 << 17),
        ]
        for (index, text) in texts.enumerated() {
            try place.store.commit([
                .reply(
                    StoredReply(
                        key: "k\(index)", fingerprint: .zero, status: 200, body: text,
                        at: Timestamp(milliseconds: 253_402_300_799_999)))
            ])
        }
        let backup = try backedUp(place, takenAt: TestTime.start)
        let store = try fill(target, from: backup, at: TestTime.start.adding(seconds: 1))
        for (index, text) in texts.enumerated() {
            #expect(try store.reply(key: "k\(index)").map { Array($0.body.utf8) } == Array(text.utf8))
        }
    }

    @Test(
        "nothing is restored into a database that holds something, and a cut one leaves it empty",
        arguments: StoreKind.databases)
    func occupied(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let world = try World(store: place.store)
        try world.settle(devices: 3, rounds: 2)
        let backup = try backedUp(place, takenAt: world.time.now)
        #expect(throws: SQLStoreError.self) { try self.fill(place, from: backup, at: world.time.now) }
        let target = try StorePlace(kind)
        let store = try #require(target.store as? DatabaseStore)
        struct Cut: Error {}
        let restore = StoredRestore(
            number: 1, backup: "b", takenAt: TestTime.start, restoredAt: TestTime.start, auditRows: 0)
        #expect(throws: Cut.self) {
            try store.fill(noting: restore) { table, take in
                if table == "versions" { throw Cut() }
                try backup.lines(of: "tables/\(table).jsonl", take)
            }
        }
        try store.requireEmpty()
        #expect(throws: SQLStoreError.self, "a line that is no row") {
            try store.fill(noting: restore) { _, take in try take(Array("[1]".utf8)) }
        }
        try store.requireEmpty()
        _ = try fill(target, from: backup, at: world.time.now)
    }

    @Test("a database of the schema before is brought up and keeps what it holds", arguments: StoreKind.databases)
    func migrated(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        try place.store.commit([.policy(Policy(name: try PolicyName("kept")))])
        try place.toSchema3()
        #expect(throws: SQLStoreError.olderSchema(found: 3, known: 5)) { try place.reader() }
        try place.reopen()
        #expect(try place.store.load().policies.map(\.name.rawValue) == ["kept"])
        let restore = StoredRestore(
            number: 1, backup: "b", takenAt: TestTime.start, restoredAt: TestTime.start, auditRows: 0)
        try place.store.commit([.restore(restore)])
        var followed = restore
        followed.numberFloor = .max / 2
        try place.store.commit([.restore(followed)])
        try place.reopen()
        #expect(try place.store.load().restores == [followed])
    }
}

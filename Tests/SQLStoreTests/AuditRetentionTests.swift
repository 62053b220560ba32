import AuditTrail
import Cryptography
import Fleet
import Foundation
import GRDB
import ModelTrust
import Orchestration
import PostgreSQLClient
import Rollouts
import Synchronization
import Testing
import WireFormat

@testable import SQLStore
@testable import SimulatedWorld

/// The oldest rows of the audit log go by retention, and only by it.
@Suite struct AuditRetentionTests {
    private static let day = 86_400.0

    /// What `edgectl audit verify` reads from a controller.
    private func verify(
        _ controller: FleetController, remembered: AuditSeal? = nil
    ) throws -> AuditVerifier<StubKey>.Summary {
        var verifier = AuditVerifier(keys: [StubKey()], remembered: remembered) { SHA256().digest(of: $0) }
        try verifier.take(AuditExport.line(head: try controller.auditHead().seal))
        var marks = try controller.auditCheckpoints(after: 0, limit: 1000)[...]
        if let beginning = try? controller.auditLogBeginning() {
            try verifier.take(AuditExport.line(beginning: beginning.seal))
            while let mark = marks.first, mark.number <= beginning.number {
                try verifier.take(AuditExport.line(checkpoint: mark.seal))
                marks.removeFirst()
            }
        }
        for row in try controller.audit(after: 0, limit: 10_000) {
            try verifier.take(AuditExport.line(row, hash: row.hash ?? .zero))
            while let mark = marks.first, mark.number <= row.number {
                try verifier.take(AuditExport.line(checkpoint: mark.seal))
                marks.removeFirst()
            }
        }
        return try verifier.finish()
    }

    /// So many rows a day for so many days, and a checkpoint at the end of each.
    private func days(_ world: World, _ count: Int, rows: Int) throws {
        for day in 0..<count {
            for row in 0..<rows {
                _ = try world.controller.patch(
                    world.devices[0].id,
                    DevicePatch(labels: try Labels(["row": "\(world.time.now.milliseconds)-\(day)-\(row)"])),
                    by: world.person)
            }
            try world.controller.sealAudit()
            world.time.pass(seconds: Self.day)
        }
    }

    private func removeAll(_ world: World) throws -> Int {
        var removals = 0
        while try world.controller.removeExpired(.audit) { removals += 1 }
        return removals
    }

    private func world(_ place: StorePlace) throws -> World {
        let world = try World(store: place.store)
        try world.enrol(1)
        world.retention = Retention(audit: .days(10))
        return world
    }

    @Test(
        "rows that are too old go up to a checkpoint, the rest is verified, and older heads are held against it",
        arguments: StoreKind.allCases)
    func pruned(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let world = try world(place)
        try days(world, 5, rows: 300)
        let early = try verify(world.controller).head
        try days(world, 25, rows: 20)
        let whole = try verify(world.controller)
        #expect(try removeAll(world) == 0, "by default the audit log is kept for ever")
        try world.restartController(store: { try place.reopened() })
        let expected = try world.controller.retention(RetentionChoice()).expired[1]
        #expect(try removeAll(world) > 3)
        let rest = try verify(world.controller, remembered: early)
        let beginning = try #require(rest.beginning)
        #expect(expected.count == Int(beginning.number))
        #expect(rest.rows == whole.rows - beginning.number + 1)
        #expect(try place.store.audit(after: 0, limit: 1).first?.number == beginning.number + 1)
        #expect(try world.controller.audit(before: nil, limit: 10_000).last?.number == beginning.number + 1)
        #expect(try world.controller.audit(before: nil, limit: 1).first?.action == "audit.remove")
        #expect(try verify(world.controller, remembered: whole.head).rows == rest.rows)
        #expect(try removeAll(world) == 0, "nothing more goes the same day")
        try world.restartController(store: { try place.reopened() })
        #expect(try verify(world.controller, remembered: early) == rest)
        #expect(world.log.lines.withLock { $0.allSatisfy { !$0.contains("the audit log was changed") } })
        try days(world, 12, rows: 3)
        #expect(try removeAll(world) > 0)
        let later = try verify(world.controller, remembered: early)
        #expect(later.beginning?.number ?? 0 > beginning.number)
        #expect(try verify(world.controller, remembered: rest.head).rows == later.rows)
    }

    @Test("a log that was changed is not removed: what shows the change stays", arguments: StoreKind.databases)
    func changed(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let world = try world(place)
        try days(world, 20, rows: 3)
        try world.restartController(store: { try place.reopened() })
        try place.execute([
            kind == .sqlite ? "DROP TRIGGER audit_is_never_updated" : "DROP TRIGGER audit_never_changes ON audit",
            "UPDATE audit SET document = replace(document, 'row', 'other') WHERE number = 9",
        ])
        #expect { try world.controller.removeExpired(.audit) } throws: { "\($0)".contains("row 9") }
        #expect(try place.store.audit(after: 0, limit: 1).first?.number == 1)
        #expect(try world.controller.audit(before: nil, limit: 1).first?.action != "audit.remove")
    }

    @Test("whoever removes rows and claims that it was retention is found out", arguments: StoreKind.databases)
    func claimed(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let world = try world(place)
        try days(world, 4, rows: 5)
        let head = try verify(world.controller).head
        let marks = try world.controller.auditCheckpoints(after: 0, limit: 9)
        let mark = marks[1]
        // With rights to the tables alone: a beginning can be written, and then the triggers let rows go.
        let document = try Documents.text(mark)
        try place.execute([
            "INSERT INTO audit_beginnings (number, document) VALUES (\(mark.number), '\(document)')",
            "DELETE FROM audit WHERE number <= \(mark.number)",
        ])
        #expect { try verify(world.controller) } throws: { ($0 as? AuditFault)?.code == .numberGap }
        try world.restartController(store: { try place.reopened() })
        // The controller serves what is in its table, and the seal in it is none of a beginning.
        #expect { try verify(world.controller) } throws: { ($0 as? AuditFault)?.code == .sealMalformed }
        #expect { try verify(world.controller, remembered: head) } throws: { $0 is AuditFault }
    }

    @Test(
        "without a record of a beginning no row goes, and the record is only ever added to",
        arguments: StoreKind.databases)
    func guarded(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let world = try world(place)
        try days(world, 3, rows: 2)
        try place.store.commit([
            .auditBeginning(AuditMark(number: 2, hash: .zero, at: TestTime.start, seal: "a"))
        ])
        for statement in [
            "DELETE FROM audit", "DELETE FROM audit WHERE number = 3", "DELETE FROM audit_checkpoints",
            "UPDATE audit_beginnings SET number = 99", "DELETE FROM audit_beginnings", "UPDATE audit SET number = 77",
        ] {
            #expect("\(statement)") { try place.execute([statement]) } throws: {
                "\($0)".contains("only ever added to")
            }
        }
        try place.execute(["DELETE FROM audit WHERE number <= 2"])
    }
}

import AuditTrail
import Cryptography
import Fleet
import Foundation
import GRDB
import ModelTrust
import Orchestration
import Testing
import WireFormat

@testable import SQLStore
@testable import SimulatedWorld

/// The audit log in a database, and what somebody who can write to the file can do to it.
@Suite struct AuditStoreTests {
    private let path = NSTemporaryDirectory() + "audit-\(UUID().uuidString).sqlite"

    /// What `edgectl audit verify` reads from a controller.
    private func verify(_ controller: FleetController, remembered: AuditSeal? = nil) throws -> AuditSeal {
        var verifier = AuditVerifier(keys: [StubKey()], remembered: remembered) { SHA256().digest(of: $0) }
        try verifier.take(AuditExport.line(head: try controller.auditHead().seal))
        let checkpoints = Dictionary(
            try controller.auditCheckpoints(after: 0, limit: 1000).map { ($0.number, $0.seal) },
            uniquingKeysWith: { first, _ in first })
        for row in try controller.audit(after: 0, limit: 10_000) {
            try verifier.take(AuditExport.line(row, hash: row.hash ?? .zero))
            if let seal = checkpoints[row.number] { try verifier.take(AuditExport.line(checkpoint: seal)) }
        }
        return try verifier.finish().head
    }

    private func labelled(_ world: World, _ times: Int) throws {
        let id = world.devices[0].id
        for round in 1...times {
            _ = try world.controller.patch(
                id, DevicePatch(labels: try Labels(["round": "\(round)"])), by: world.person)
        }
    }

    private func execute(_ statements: String...) throws {
        try DatabaseQueue(path: path).write { database in
            for statement in statements { try database.execute(sql: statement) }
        }
    }

    private static let dropTriggers = [
        "DROP TRIGGER audit_is_never_updated", "DROP TRIGGER audit_is_cut_at_its_beginning",
        "DROP TRIGGER audit_checkpoints_are_never_updated", "DROP TRIGGER audit_checkpoints_are_never_deleted",
    ]

    @Test("rows and checkpoints cannot be changed or removed by SQL")
    func triggers() throws {
        let store = try DatabaseStore(sqlite: path)
        let event = AuditEvent(
            number: 1, at: TestTime.start, actor: "ada", action: "a", subject: "s", hash: .zero)
        try store.commit([
            .audit(event), .auditCheckpoint(AuditMark(number: 1, hash: .zero, at: TestTime.start, seal: "a")),
        ])
        for statement in [
            "UPDATE audit SET document = '{}'", "DELETE FROM audit", "UPDATE audit_checkpoints SET document = '{}'",
            "DELETE FROM audit_checkpoints", "UPDATE audit SET number = 9",
        ] {
            #expect { try execute(statement) } throws: { "\($0)".contains("only ever added to") }
        }
        #expect(try store.audit(after: 0, limit: 9) == [event])
    }

    @Test("rows of a database that did not hash them are hashed when it is opened first, and stay as they are")
    func migrated() throws {
        _ = try DatabaseStore(sqlite: path)
        var statements = [
            "DROP TABLE audit", "DROP TABLE audit_checkpoints", "DROP TABLE key_sets", "DROP TABLE audit_beginnings",
            "DROP TABLE restores",
            "UPDATE schema_version SET version = 1",
            "CREATE TABLE audit (number INTEGER PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
        ]
        for number in 1...5 {
            statements.append(
                """
                INSERT INTO audit VALUES (\(number), '{"action":"a","actor":"ada","at":"2026-03-01T12:00:00.250Z",\
                "detail":{},"number":\(number),"subject":"s\(number)"}')
                """)
        }
        try DatabaseQueue(path: path).write { database in
            for statement in statements { try database.execute(sql: statement) }
        }
        let world = try World(store: try DatabaseStore(sqlite: path))
        let rows = try world.controller.audit(after: 0, limit: 5)
        #expect(rows.map(\.subject) == ["s1", "s2", "s3", "s4", "s5"])
        #expect(try verify(world.controller).number >= 5)
    }

    @Test("what a controller wrote is verified, across restarts and checkpoints by number, by time and by stopping")
    func written() throws {
        let world = try World(store: try DatabaseStore(sqlite: path))
        try world.settle()
        try labelled(world, 1200)
        #expect(try world.controller.auditCheckpoints(after: 0, limit: 10).count == 2)
        world.time.pass(seconds: 601)
        try world.controller.tick()
        #expect(try world.controller.auditCheckpoints(after: 0, limit: 10).count == 3)
        try labelled(world, 1)
        try world.controller.sealAudit()
        try world.controller.sealAudit()
        #expect(try world.controller.auditCheckpoints(after: 0, limit: 10).count == 4)
        let head = try verify(world.controller)
        try world.restartController(store: { try DatabaseStore(sqlite: path) })
        try labelled(world, 3)
        #expect(try verify(world.controller, remembered: head).number == head.number + 3)
    }

    @Test("whoever writes to the database file is found out, and truncation by the running controller or the last head")
    func attacked() throws {
        let attacks: [(String, AuditFault.Code)] = [
            ("UPDATE audit SET document = replace(document, 'round', 'other') WHERE number = 30", .hashMismatch),
            ("UPDATE audit SET hash = '\(Digest.zero.hex)' WHERE number = 30", .hashMismatch),
            ("DELETE FROM audit WHERE number = 30", .numberGap),
            ("DELETE FROM audit WHERE number > 30", .truncated),
            ("DELETE FROM audit_checkpoints", .checkpointGap),
            ("UPDATE audit_checkpoints SET document = replace(document, 'seal\":\"ey', 'seal\":\"eX')", .sealMalformed),
        ]
        for (attack, code) in attacks {
            let place = path + "-\(code)-\(attack.count)"
            let world = try World(store: try DatabaseStore(sqlite: place))
            try world.settle()
            try labelled(world, 40)
            let head = try verify(world.controller)
            try DatabaseQueue(path: place).write { database in
                for statement in Self.dropTriggers + [attack] { try database.execute(sql: statement) }
            }
            #expect("\(attack)") { try verify(world.controller) } throws: { ($0 as? AuditFault)?.code == code }
            guard code == .truncated else { continue }
            // After a restart the controller continues where the log ends now: the head of before tells.
            try world.restartController(store: { try DatabaseStore(sqlite: place) })
            #expect { try verify(world.controller, remembered: head) } throws: { error in
                (error as? AuditFault)?.code == .rememberedMismatch
            }
        }
    }
}

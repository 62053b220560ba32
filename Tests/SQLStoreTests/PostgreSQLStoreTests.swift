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

/// What is particular to the store on PostgreSQL.
@Suite struct PostgreSQLStoreTests {
    private func device(_ name: String) throws -> StoredDevice {
        StoredDevice(
            id: try DeviceID(name), tokenHash: .zero, labels: Labels(), enrolledAt: TestTime.start, agentVersion: "1")
    }

    private func devices(_ store: any OrchestratorStore) throws -> [String] {
        try store.load().devices.map(\.id.rawValue)
    }

    private func terminateAll(_ database: String) throws {
        try PostgreSQLServer.execute(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = '\(database)' AND pid <> pg_backend_pid()
            """, in: database)
    }

    // MARK: - One controller

    @Test("a second controller is refused until the first is gone")
    func lock() throws {
        let place = try StorePlace(.postgresql)
        #expect { try place.open() } throws: { error in
            guard case SQLStoreError.inUse = error else { return false }
            return "\(error)".contains("another controller")
        }
        try place.reopen()
        try place.store.probe()
    }

    @Test("connections that the server closed are made anew, and the lock is taken again")
    func reconnects() throws {
        let place = try StorePlace(.postgresql)
        try place.store.commit([.device(try device("a"))])
        for name in ["b", "c"] {
            try terminateAll(place.database)
            try place.store.commit([.device(try device(name))])
        }
        try terminateAll(place.database)
        #expect(try devices(place.store) == ["a", "b", "c"])
        try place.store.probe()
    }

    @Test("a controller whose lock another one took changes nothing any more, for ever")
    func superseded() throws {
        let place = try StorePlace(.postgresql)
        try place.store.commit([.device(try device("a"))])
        let first = place.store
        // The lock alone is lost: the first does not look, and the second may start.
        try PostgreSQLServer.execute(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_locks
            WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = '\(place.database)')
            """, in: place.database)
        var second: (any OrchestratorStore)? = try place.open()
        try second?.commit([.device(try device("b"))])
        for name in ["c", "d"] {
            #expect { try first.commit([.device(try device(name))]) } throws: { error in
                switch error as? SQLStoreError {
                case .inUse, .superseded: true
                default: false
                }
            }
        }
        try second?.commit([.device(try device("e"))])
        second = nil
        // The lock is free again; its turn is over all the same.
        #expect { try first.commit([.device(try device("f"))]) } throws: { error in
            guard case SQLStoreError.superseded = error else { return false }
            return true
        }
        #expect(throws: SQLStoreError.self) { try first.probe() }
        #expect(try devices(first) == ["a", "b", "e"])
    }

    @Test("words of an old controller that arrive after the next one's turn began are refused by the database itself")
    func fenced() throws {
        let place = try StorePlace(.postgresql)
        try place.store.commit([.device(try device("a"))])
        // As if its lock were still held: only the epoch stands in its way.
        try PostgreSQLServer.execute("UPDATE controller SET epoch = epoch + 1", in: place.database)
        #expect { try place.store.commit([.device(try device("b"))]) } throws: { error in
            guard case SQLStoreError.superseded = error else { return false }
            return true
        }
        #expect(try PostgreSQLServer.execute("SELECT id FROM devices", in: place.database) == [[.text("a")]])
    }

    // MARK: - Limits

    @Test("a statement that waits for too long is given up with its reason, and nothing of its commit is left")
    func late() throws {
        let place = try StorePlace(.postgresql)
        place.close()
        var limits = StorePlace.limits
        limits.connection.statementSeconds = 0.3
        let store = try DatabaseStore(postgreSQL: PostgreSQLServer.address(place.database), limits)
        let blocker = try PostgreSQLConnection(PostgreSQLServer.address(place.database), .init())
        _ = try blocker.run(
            [PostgreSQLCommand("BEGIN"), PostgreSQLCommand("LOCK TABLE devices")], within: 5)
        #expect { try store.commit([.policy(Policy(name: try PolicyName("p"))), .device(try device("a"))]) } throws: {
            guard case SQLStoreError.late = $0 else { return false }
            return true
        }
        _ = try blocker.run([PostgreSQLCommand("ROLLBACK")], within: 5)
        #expect(try store.load().policies.isEmpty)
        try store.commit([.device(try device("a"))])
        #expect(try devices(store) == ["a"])
    }

    @Test("a server that takes no more connections, and a pool that is lent out, say so")
    func exhausted() throws {
        let place = try StorePlace(.postgresql)
        var limits = PostgreSQLPool.Limits()
        limits.connections = 1
        limits.waitSeconds = 0.1
        let pool = PostgreSQLPool(try PostgreSQLServer.address(place.database), limits: limits)
        _ = try pool.lend { _ in
            #expect { try pool.lend { _ in } } throws: { ($0 as? PostgreSQLError)?.cause == .exhausted }
        }
        try PostgreSQLServer.execute("ALTER DATABASE \(place.database) CONNECTION LIMIT 0", in: "postgres")
        try PostgreSQLServer.execute("CREATE ROLE r_\(place.database) LOGIN", in: "postgres")
        defer { _ = try? PostgreSQLServer.execute("DROP ROLE r_\(place.database)", in: "postgres") }
        let refused = PostgreSQLPool(try PostgreSQLServer.address(place.database, user: "r_\(place.database)"))
        #expect { try refused.lend { _ in } } throws: {
            ($0 as? PostgreSQLError)?.sentence.contains("too many connections") == true
        }
        // Within the pause nobody asks the server again.
        let began = ContinuousClock.now
        #expect(throws: PostgreSQLError.self) { try refused.lend { _ in } }
        #expect(ContinuousClock.now - began < .seconds(1))
    }

    @Test("a server that is not there is named without the password")
    func unreachable() throws {
        let address = try #require(
            PostgreSQLAddress("postgresql://ada:s3cret@127.0.0.1:1,127.0.0.1:2/fleet?target_session_attrs=read-write"))
        #expect("\(address)" == "postgresql://127.0.0.1:1,127.0.0.1:2/fleet")
        #expect { try DatabaseStore(postgreSQL: address) } throws: { error in
            guard case SQLStoreError.unreachable = error else { return false }
            return "\(error)".contains("port 2") && !"\(error)".contains("s3cret")
        }
        #expect(PostgreSQLAddress("postgresql://ada:s3cret@[::1") == nil)
        #expect(PostgreSQLAddress("mysql://localhost/fleet") == nil)
    }

    // MARK: - Schema

    @Test("what refers to nothing is refused, and named by its constraint")
    func references() throws {
        let place = try StorePlace(.postgresql)
        let rollout = try RolloutID("digits-1")
        let decision = Decision(
            number: 1, kind: .hold, cause: .judge, reason: "soak", sentence: "it goes on", step: 1, at: TestTime.start)
        for change in [
            StoreChange.decision(rollout, decision), .telemetry(StoredTelemetry(device: try DeviceID("nobody"))),
            .evidence(EvidenceRow(rollout: rollout, step: 1, tick: 1, bytes: [])),
        ] {
            #expect { try place.store.commit([change]) } throws: { error in
                guard case SQLStoreError.constraint(_, let reason) = error else { return false }
                return reason.contains("_fkey")
            }
        }
        try place.store.commit([.device(try device("a"))])
    }

    @Test("the audit log cannot be changed, removed or emptied by SQL")
    func triggers() throws {
        let place = try StorePlace(.postgresql)
        let event = AuditEvent(number: 1, at: TestTime.start, actor: "ada", action: "a", subject: "s", hash: .zero)
        try place.store.commit([
            .audit(event), .auditCheckpoint(AuditMark(number: 1, hash: .zero, at: TestTime.start, seal: "a")),
        ])
        for table in ["audit", "audit_checkpoints"] {
            for statement in ["UPDATE \(table) SET number = 9", "DELETE FROM \(table)", "TRUNCATE \(table)"] {
                #expect { try PostgreSQLServer.execute(statement, in: place.database) } throws: {
                    "\($0)".contains("only ever added to")
                }
            }
        }
        #expect(try place.store.audit(after: 0, limit: 9) == [event])
    }

    @Test("a newer schema is refused; eight that start at once on an empty database make one schema")
    func migrations() throws {
        let place = try StorePlace(.postgresql)
        place.close()
        try PostgreSQLServer.execute("UPDATE schema_version SET version = 99", in: place.database)
        #expect(throws: SQLStoreError.newerSchema(found: 99, known: PostgreSQLSchema.version)) { try place.open() }

        let empty = try PostgreSQLServer.makeDatabase()
        defer { try? PostgreSQLServer.removeDatabase(empty) }
        let address = try PostgreSQLServer.address(empty)
        let faults = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            do {
                try PostgreSQLSchema.bringUp(PostgreSQLConnection(address, .init()), within: 30)
            } catch {
                faults.withLock { $0.append("\(error)") }
            }
        }
        #expect(faults.withLock { $0 } == [])
        #expect(
            try PostgreSQLServer.execute("SELECT version FROM schema_version", in: empty)
                == [[.integer(Int64(PostgreSQLSchema.version))]])
        #expect(try PostgreSQLServer.execute("SELECT epoch FROM controller", in: empty) == [[.integer(0)]])
    }

    @Test("every key in a text column is compared bytewise")
    func collation() throws {
        let place = try StorePlace(.postgresql)
        let other = try PostgreSQLServer.execute(
            """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type = 'text' AND column_name <> 'document'
                AND collation_name IS DISTINCT FROM 'C'
            """, in: place.database)
        #expect(other == [])
    }
}

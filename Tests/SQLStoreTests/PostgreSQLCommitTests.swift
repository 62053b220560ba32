import Fleet
import Foundation
import Orchestration
import PostgreSQLClient
import Testing

@testable import SQLStore
@testable import SimulatedWorld

/// Commits whose answer is lost on a real server.
@Suite struct PostgreSQLCommitTests {
    private func device(_ name: String) throws -> StoredDevice {
        StoredDevice(
            id: try DeviceID(name), tokenHash: .zero, labels: Labels(), enrolledAt: TestTime.start, agentVersion: "1")
    }

    private func terminate(_ database: String, _ query: String) throws -> Int {
        let rows = try PostgreSQLServer.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = '\(database)' AND query LIKE '\(query)%' AND state = 'active'
            """, in: database)
        // Selected, not a condition: that might be asked of other databases' processes first.
        return rows.count
    }

    @Test("a server process that dies in every phase of a commit leaves all of it or nothing", arguments: 0..<6)
    func dies(phase: Int) throws {
        let place = try StorePlace(.postgresql)
        // Each phase takes long enough to be hit: the statement itself, or the check at the end.
        try PostgreSQLServer.execute(
            """
            CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_sleep(0.4); RETURN NEW; END $$
            """, in: place.database)
        let isDeferred = phase.isMultiple(of: 2)
        try PostgreSQLServer.execute(
            isDeferred
                ? """
                CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON devices DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION slow()
                """ : "CREATE TRIGGER slow BEFORE INSERT ON devices FOR EACH ROW EXECUTE FUNCTION slow()",
            in: place.database)
        let store = place.store
        let ended = DispatchSemaphore(value: 0)
        let names = ["a", "b"]
        DispatchQueue.global().async {
            // The second try of the store succeeds: nothing of the first was left.
            #expect(throws: Never.self) { try store.commit(names.map { .device(try device($0)) }) }
            ended.signal()
        }
        var killed = 0
        for _ in 0..<100 where killed == 0 {
            Thread.sleep(forTimeInterval: 0.02)
            killed = try terminate(place.database, isDeferred ? "COMMIT" : "INSERT INTO devices")
        }
        #expect(killed == 1)
        #expect(ended.wait(timeout: .now() + 30) == .success)
        #expect(try store.load().devices.map(\.id.rawValue) == names)
    }

    @Test("a commit that nobody can answer for is unsettled, and settled when somebody can")
    func unsettled() throws {
        let directory = "/tmp/edge-pg-\(getpid())-settle"
        let text = try PostgreSQLServer.run("start", directory, "\(getpid())")
            .trimmingCharacters(in: .whitespacesAndNewlines)
        defer { _ = try? PostgreSQLServer.run("end", directory) }
        let address = try #require(PostgreSQLAddress(text))
        let owner = try PostgreSQLConnection(address, .init())
        func setting(_ value: String) throws {
            _ = try owner.run([PostgreSQLCommand("ALTER SYSTEM SET synchronous_standby_names = '\(value)'")], within: 9)
            _ = try owner.run([PostgreSQLCommand("SELECT pg_reload_conf()")], within: 9)
        }
        var limits = StorePlace.limits
        limits.connection.statementSeconds = 1
        limits.settleSeconds = 0.5
        let store = try DatabaseStore(postgreSQL: address, limits)
        // It commits on its own disk, and then waits for a standby that never comes.
        try setting("nobody")
        #expect(throws: UnsettledCommit.self) { try store.commit([.device(try device("a"))]) }
        #expect(throws: UnsettledCommit.self, "nothing overtakes it") { try store.commit([.device(try device("b"))]) }
        #expect(throws: SQLStoreError.self) { try store.settle() }
        try setting("")
        var took: Bool?
        for _ in 0..<100 where took == nil {
            took = try? store.settle()
            Thread.sleep(forTimeInterval: 0.05)
        }
        #expect(took == true)
        #expect(try store.settle() == false, "only once")
        try store.commit([.device(try device("b"))])
        #expect(try store.load().devices.map(\.id.rawValue) == ["a", "b"])
    }
}

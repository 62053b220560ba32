import Foundation
import PostgreSQLClient
import Testing

/// A private PostgreSQL server: the one that `EDGEORCH_POSTGRESQL` names, or one that ends with this process.
enum PostgreSQLServer {
    /// The server could not be started.
    struct NotThere: Error, CustomStringConvertible {
        let description: String
    }

    private static let found = Result { try named() ?? started() }

    private static func named() -> String? { ProcessInfo.processInfo.environment["EDGEORCH_POSTGRESQL"] }

    private static func started() throws -> String {
        let directory = "/tmp/edge-pg-\(getpid())"
        return try run("start", directory, "\(getpid())").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Calls `scripts/lib/postgres.sh` and returns what it printed.
    static func run(_ arguments: String...) throws -> String {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../scripts/lib/postgres.sh").standardized.path
        let output = NSTemporaryDirectory() + "postgres-\(UUID().uuidString).out"
        try Data().write(to: URL(fileURLWithPath: output))
        defer { try? FileManager.default.removeItem(atPath: output) }
        // Not by Foundation's Process, which waits for all that inherits from it: the server would be waited for too.
        let command = (["/bin/bash", script] + arguments).joined(separator: " ") + " >\(output) </dev/null"
        let status = unsafe system(command)
        let text = try String(contentsOfFile: output, encoding: .utf8)
        guard status == 0 else {
            throw NotThere(description: "scripts/lib/postgres.sh \(arguments) failed: \(text)")
        }
        return text
    }

    /// The address of a database on it.
    static func address(_ database: String, user: String = "edge") throws -> PostgreSQLAddress {
        let text = try found.get().replacing("///postgres?", with: "///\(database)?")
            .replacing("user=edge", with: "user=\(user)")
        return try #require(PostgreSQLAddress(text))
    }

    /// Makes an empty database and returns its name.
    static func makeDatabase() throws -> String {
        let name = "t_" + UUID().uuidString.lowercased().replacing("-", with: "")
        try execute("CREATE DATABASE \(name) TEMPLATE template0", in: "postgres")
        return name
    }

    /// Removes a database, whoever is connected.
    static func removeDatabase(_ name: String) throws {
        try execute("DROP DATABASE IF EXISTS \(name) WITH (FORCE)", in: "postgres")
    }

    /// Carries out a statement as the owner, and returns its rows.
    @discardableResult
    static func execute(_ statement: String, in database: String) throws -> [[PostgreSQLValue]] {
        var settings = PostgreSQLConnection.Settings()
        settings.statementSeconds = 60
        let connection = try PostgreSQLConnection(address(database), settings)
        return try connection.run([PostgreSQLCommand(statement)], within: 60).first?.rows ?? []
    }
}

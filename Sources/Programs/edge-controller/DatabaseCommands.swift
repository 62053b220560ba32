import ArgumentParser
import Foundation
import SQLStore

/// `edge-controller migrate`: the schema of the controller's database.
struct MigrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring the database to this program's schema, or say which it has.",
        discussion: """
            Schemas go forward only. A controller that starts does the same, where its role owns the tables. \
            With --check nothing is changed; the exit status is 1 where the database has another schema.
            """)

    @Option(help: "Where the controller keeps its data.")
    var data = ControllerDefaults.dataDirectory

    @Option(help: "sqlite, or a PostgreSQL address (default: sqlite in the data directory).")
    var database: String?

    @Flag(help: "Change nothing.")
    var check = false

    func run() throws {
        let place = try DatabasePlace(database)
        let before = try place.schema(dataDirectory: data)
        let name = place.told(dataDirectory: data)
        if check {
            print("\(name) has schema \(before.found); this program needs \(before.known)")
            throw before.isCurrent ? ExitCode.success : ExitCode.failure
        }
        switch place {
        case .sqlite: _ = try place.open(dataDirectory: data)
        case .postgreSQL(let address): try DatabaseStore.migrate(postgreSQL: address)
        }
        print("\(name) has schema \(before.known); it had \(before.found)")
    }
}

/// `edge-controller copy-database`: from SQLite to PostgreSQL, or back.
struct CopyDatabaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy-database", abstract: "Copy everything from one database into another, empty one.",
        discussion: """
            The controller is stopped meanwhile. Keys and artifacts stay in the data directory: afterwards serve \
            with the same --data and the new --database, and never again with the old one.
            """)

    @Option(help: "Where the controller keeps its data.")
    var data = ControllerDefaults.dataDirectory

    @Option(help: "The database to read: sqlite, or a PostgreSQL address.")
    var from = "sqlite"

    @Option(help: "The database to fill: sqlite, or a PostgreSQL address (default: EDGE_CONTROLLER_DATABASE).")
    var to: String?

    func run() throws {
        let source = try DatabasePlace(from)
        let target = try DatabasePlace(to)
        guard source != target else { throw StartFailure("both databases are the same; name the other one by --to") }
        let schema = try source.schema(dataDirectory: data)
        guard schema.found > 0 else { throw StartFailure("\(source.told(dataDirectory: data)) holds no database") }
        let read = try source.open(dataDirectory: data)
        let filled = try target.open(dataDirectory: data, isCopy: true)
        for (table, rows) in try filled.copy(from: read) { print("\(rows)\t\(table)") }
        print("copied to \(target.told(dataDirectory: data))")
    }
}

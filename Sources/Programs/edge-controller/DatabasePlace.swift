import Foundation
import Orchestration
import PostgreSQLClient
import SQLStore

/// Where the controller's database is, as `--database` names it.
enum DatabasePlace: Hashable {
    /// A file in the data directory.
    case sqlite
    /// A PostgreSQL server.
    case postgreSQL(PostgreSQLAddress)

    /// Reads the flag or, where it is absent, the environment.
    ///
    /// - Throws: ``StartFailure`` that never repeats what may be a password.
    init(_ flag: String?, environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        let text = flag ?? environment["EDGE_CONTROLLER_DATABASE"] ?? "sqlite"
        if text == "sqlite" {
            self = .sqlite
        } else if let address = PostgreSQLAddress(text) {
            self = .postgreSQL(address)
        } else {
            throw StartFailure(
                "--database: it is neither sqlite nor a PostgreSQL address such as "
                    + "postgresql://edge@db1,db2/edge?target_session_attrs=read-write&sslmode=verify-full "
                    + "(what was given is not shown, because it may hold a password)")
        }
    }

    /// Opens the database as its only controller.
    ///
    /// - Parameter isCopy: whether all of it is read or written at once, which may take long.
    func open(dataDirectory: String, isCopy: Bool = false) throws -> DatabaseStore {
        switch self {
        case .sqlite: return try DatabaseStore(sqlite: dataDirectory + "/controller.sqlite")
        case .postgreSQL(let address):
            var limits = PostgreSQLLimits()
            if isCopy { limits.connection.statementSeconds = 600 }
            return try DatabaseStore(postgreSQL: address, limits)
        }
    }

    /// Opens the database to read all of it, while a controller may use it.
    func reader(dataDirectory: String) throws -> StoreReader {
        switch self {
        case .sqlite: return try StoreReader(sqlite: dataDirectory + "/controller.sqlite")
        case .postgreSQL(let address):
            var limits = PostgreSQLLimits()
            limits.connection.statementSeconds = 600
            return try StoreReader(postgreSQL: address, limits)
        }
    }

    /// What kind it is.
    var kind: String {
        switch self {
        case .sqlite: "sqlite"
        case .postgreSQL: "postgresql"
        }
    }

    /// The schema it has.
    func schema(dataDirectory: String) throws -> SchemaState {
        switch self {
        case .sqlite: try DatabaseStore.schema(sqlite: dataDirectory + "/controller.sqlite")
        case .postgreSQL(let address): try DatabaseStore.schema(postgreSQL: address)
        }
    }

    /// What logs say of it.
    func told(dataDirectory: String) -> String {
        switch self {
        case .sqlite: dataDirectory + "/controller.sqlite"
        case .postgreSQL(let address): "\(address)"
        }
    }
}

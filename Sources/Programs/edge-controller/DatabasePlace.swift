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
    func open(dataDirectory: String) throws -> DatabaseStore {
        switch self {
        case .sqlite: try DatabaseStore(sqlite: dataDirectory + "/controller.sqlite")
        case .postgreSQL(let address): try DatabaseStore(postgreSQL: address)
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

public import Orchestration

/// Why the store refused.
public enum SQLStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another process has the database open as a controller.
    case inUse(path: String)
    /// Another controller has taken the database over; this one writes no more.
    case superseded(path: String)
    /// A newer program wrote the database.
    case newerSchema(found: Int, known: Int)
    /// An older program wrote the database, and this one's role may not change it.
    case olderSchema(found: Int, known: Int)
    /// There is no database of a controller.
    case noDatabase
    /// A database that is to be filled holds something.
    case occupied(table: String)
    /// A stored document cannot be read.
    case unreadable(table: String, key: String, reason: String)
    /// There is no connection to the database.
    case unreachable(operation: String, reason: String)
    /// The database did not answer in time.
    case late(operation: String, reason: String)
    /// The database, or the pool of connections to it, takes no more connections.
    case busy(operation: String, reason: String)
    /// The database has no room.
    case full(operation: String, reason: String)
    /// The role may not do this, or not here.
    case denied(operation: String, reason: String)
    /// A key, a reference or a check of the schema stands against it.
    case constraint(operation: String, reason: String)
    /// The database refused for another reason, with its code and words.
    case database(operation: String, code: String, reason: String)
    /// The directory cannot be used.
    case directory(path: String, reason: String)

    /// A sentence for people.
    public var description: String {
        switch self {
        case .inUse(let path):
            "\(path) is open in another controller; stop that one or use another data directory"
        case .superseded(let path):
            "another controller has taken \(path) over and this one writes no more; stop one of the two"
        case .newerSchema(let found, let known):
            "the database has schema \(found), this program knows \(known); use the newer program or restore a backup"
        case .olderSchema(let found, let known):
            "the database has schema \(found), this program needs \(known); "
                + "run edge-controller migrate as the owner of its tables"
        case .noDatabase: "there is no controller's database here; check --data and --database"
        case .occupied(let table):
            "the database holds \(table) already; make an empty one, and name that"
        case .unreadable(let table, let key, let reason):
            "\(table) \(key) cannot be read: \(reason); restore the database from a backup"
        case .unreachable(let operation, let reason):
            "\(operation): the database cannot be reached: \(reason); check that it runs and that --database names it"
        case .late(let operation, let reason):
            "\(operation): the database is too slow: \(reason); look for locks, and for what else loads it"
        case .busy(let operation, let reason):
            "\(operation): there is no connection to be had: \(reason); end other clients or raise max_connections"
        case .full(let operation, let reason):
            "\(operation): the database has no room: \(reason); free space on its disk, or memory where it lacks that"
        case .denied(let operation, let reason):
            "\(operation) is not allowed: \(reason); give the controller's role or user that right"
        case .constraint(let operation, let reason): "\(operation) was refused: \(reason)"
        case .database(let operation, let code, let reason): "\(operation) failed with \(code): \(reason)"
        case .directory(let path, let reason): "cannot use \(path): \(reason)"
        }
    }
}

extension SQLStoreError: StoreFaultError {
    /// See `StoreFaultError`.
    public var fault: StoreFault? {
        switch self {
        case .unreachable: .unreachable
        case .late: .slow
        case .busy: .busy
        case .full: .full
        case .inUse, .superseded: .takenOver
        case .newerSchema, .olderSchema, .noDatabase, .occupied, .unreadable, .denied, .constraint, .database,
            .directory:
            nil
        }
    }
}

/// Why the store refused.
public enum SQLStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another process has the database open as a controller.
    case inUse(path: String)
    /// A newer program wrote the database.
    case newerSchema(found: Int, known: Int)
    /// A stored document cannot be read.
    case unreadable(table: String, key: String, reason: String)
    /// The database refused, with its result code and words.
    case database(operation: String, code: Int, reason: String)
    /// The directory cannot be used.
    case directory(path: String, reason: String)

    /// A sentence for people.
    public var description: String {
        switch self {
        case .inUse(let path):
            "\(path) is open in another controller; stop that one or use another data directory"
        case .newerSchema(let found, let known):
            "the database has schema \(found), this program knows \(known); use the newer program or restore a backup"
        case .unreadable(let table, let key, let reason):
            "\(table) \(key) cannot be read: \(reason); restore the database from a backup"
        case .database(let operation, let code, let reason):
            "\(operation) failed with SQLite code \(code): \(reason)"
                + (code == 13 ? "; the disk is full, free space on it" : "")
        case .directory(let path, let reason):
            "cannot use \(path): \(reason)"
        }
    }
}

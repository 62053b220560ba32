/// Why a backup could not be written, or was not restored.
public enum BackupError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no backup at this path.
    case nothing(path: String)
    /// A file or directory could not be read or written.
    case disk(operation: String, path: String, reason: String)
    /// Another process writes backups into this directory.
    case inUse(path: String)
    /// A file of the backup is not there.
    case missing(file: String)
    /// A file of the backup is not what was written.
    case damaged(file: String, reason: String)
    /// A file is in the backup that it does not name.
    case surplus(file: String)
    /// An artifact of the controller itself is not what it should be.
    case artifactDamaged(path: String)
    /// A newer program wrote the backup.
    case newerFormat(found: Int, known: Int)
    /// The directory to restore into is not empty.
    case occupied(path: String, by: String)

    /// A sentence for people.
    public var description: String {
        switch self {
        case .nothing(let path):
            "\(path) holds no backup; name the directory that was given to `backup --to`, or one backup in it"
        case .disk(let operation, let path, let reason): "cannot \(operation) \(path): \(reason)"
        case .inUse(let path): "another backup is being written into \(path); wait for its end"
        case .missing(let file): "\(file) is missing: the backup is not whole; use another one"
        case .damaged(let file, let reason): "\(file) is damaged: \(reason); use another backup"
        case .surplus(let file):
            "\(file) is not named by the backup's manifest; remove it if it was put there, or use another backup"
        case .artifactDamaged(let path):
            "\(path) is damaged: its content is not what its name says; remove it and push its version again, or back "
                + "up --without-artifacts"
        case .newerFormat(let found, let known):
            "the backup has form \(found), this program knows \(known); restore it with the newer program"
        case .occupied(let path, let file):
            "\(path) is not empty (\(file)); a backup is restored into an empty directory only"
        }
    }
}

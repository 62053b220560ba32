public import Fleet

/// What a backup holds, with the digest of every file of it.
///
/// It is the last file that is written, next to its own digest in the form of `sha256sum`.
public struct BackupManifest: Codable, Hashable, Sendable {
    /// The form of backups that this program writes and reads.
    public static let knownFormat = 1

    /// How many rows a table has.
    public struct TableRows: Codable, Hashable, Sendable {
        /// The table.
        public var table: String
        /// Its rows.
        public var rows: Int

        /// Counts a table.
        public init(table: String, rows: Int) {
            self.table = table
            self.rows = rows
        }
    }

    /// A file of the backup.
    public struct File: Codable, Hashable, Sendable {
        /// Its path below the backup.
        public var path: String
        /// Its size in bytes.
        public var sizeBytes: UInt64
        /// SHA-256 of its content.
        public var sha256: Digest
    }

    /// An artifact, which stands beside the backup and may belong to other ones too.
    public struct Artifact: Codable, Hashable, Sendable {
        /// SHA-256 of its content.
        public var sha256: Digest
        /// Its size in bytes.
        public var sizeBytes: UInt64
    }

    /// The form of the backup.
    public var format = Self.knownFormat
    /// The version of the database's schema.
    public var schema: Int
    /// The version of the program that wrote it.
    public var program: String
    /// When it was taken: nothing that was decided later is in it.
    public var takenAt: Timestamp
    /// The kind of database it was taken from; it can be restored into any.
    public var database: String
    /// The largest number of an assignment in it.
    public var largestAssignment: UInt64 = 0
    /// How many rows its audit log has.
    public var auditRows: UInt64 = 0
    /// The hash of the last of them; empty where there is none.
    public var auditHash = ""
    /// How often the controller had been restored before.
    public var restores: UInt64 = 0
    /// The rows of each table.
    public var tables: [TableRows] = []
    /// Every file of the backup but this one and its digest, by path.
    public var files: [File] = []
    /// The artifacts, by digest; nil where they were left out.
    public var artifacts: [Artifact]?

    /// Begins a manifest of an empty backup.
    public init(schema: Int, program: String, takenAt: Timestamp, database: String) {
        self.schema = schema
        self.program = program
        self.takenAt = takenAt
        self.database = database
    }

    /// The size of the backup's own files in bytes.
    public var sizeBytes: UInt64 { files.reduce(0) { $0 + $1.sizeBytes } }

    /// The size of its artifacts in bytes.
    public var artifactBytes: UInt64 { artifacts?.reduce(0) { $0 + $1.sizeBytes } ?? 0 }
}

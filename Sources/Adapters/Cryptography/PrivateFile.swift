internal import FoundationEssentials
internal import Glibc

/// Files that hold secrets.
public enum PrivateFile {
    /// Writes a file that only its owner reads and writes; without `overwriting` an existing file is left alone.
    ///
    /// An existing file is replaced whole or not at all.
    ///
    /// - Throws: Foundation's error, `fileWriteFileExists` where the file may not be replaced.
    public static func write(_ contents: [UInt8], to path: String, overwriting: Bool) throws {
        // The mask makes the file private from its first moment, which setting its mode afterwards would not. It is the
        // process's: a file that another thread makes meanwhile is private too.
        let before = umask(0o077)
        defer { umask(before) }
        try Data(contents).write(
            to: URL(filePath: path), options: overwriting ? .atomic : .withoutOverwriting)
    }
}

import Cryptography

/// The controller's secrets on disk.
enum SecretFile {
    /// Writes a file that only its owner reads.
    ///
    /// - Throws: ``StartFailure`` saying what to do.
    static func write(_ text: String, to path: String, overwriting: Bool) throws {
        do {
            try PrivateFile.write(Array(text.utf8), to: path, overwriting: overwriting)
        } catch {
            throw StartFailure("cannot write \(path); its directory must be writable: \(error)")
        }
    }
}

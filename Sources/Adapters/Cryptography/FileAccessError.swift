internal import Glibc
public import ModelTrust

/// Why a file or directory could not be taken into a version, or not be read.
public enum FileAccessError: TrustRefusal {
    /// The operating system refused; the code is errno's.
    case system(operation: String, path: String, code: Int32)
    /// A symbolic link, which could point anywhere.
    case symbolicLink(path: String)
    /// A device, a pipe or a socket.
    case specialFile(path: String)
    /// A name that is no path inside a version.
    case nameForbidden(InvalidArtifactPath)
    /// A file that is larger than what is read of its kind.
    case tooLarge(path: String, limitBytes: Int)
    /// More files than a version may have, or deeper directories.
    case tooMany(path: String, limit: Int)

    /// errno for "not a directory".
    static var notADirectory: Int32 { ENOTDIR }

    /// The stable name of the case.
    public var code: String {
        switch self {
        case .system: "file_unreadable"
        case .symbolicLink: "symlink_forbidden"
        case .specialFile: "special_file_forbidden"
        case .nameForbidden: "path_forbidden"
        case .tooLarge: "file_too_large"
        case .tooMany: "files_too_many"
        }
    }

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .system(let operation, let path, let code):
            unsafe "Could not \(operation) \(path): \(String(cString: strerror(code))) (errno \(code))."
        case .symbolicLink(let path): "\(path) is a symbolic link; a version holds regular files only. Copy the file."
        case .specialFile(let path): "\(path) is not a regular file; a version holds regular files only."
        case .nameForbidden(let path): "A version cannot hold this file: \(path)."
        case .tooLarge(let path, let limit): "\(path) is larger than \(limit) bytes, the most that is read of it."
        case .tooMany(let path, let limit): "\(path) holds more than \(limit) files or directory levels."
        }
    }
}

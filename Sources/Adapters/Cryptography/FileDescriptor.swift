internal import Glibc
internal import ModelTrust

/// Owns one open file descriptor and closes it.
struct FileDescriptor: ~Copyable {
    private let number: Int32
    private let path: String

    /// What is behind a descriptor.
    enum Kind {
        case regular(sizeBytes: UInt64)
        case directory
        case special
    }

    /// Opens a path for reading; a symbolic link at its end is followed only for `followingLink`.
    init(opening path: String, followingLink: Bool = false) throws(FileAccessError) {
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followingLink ? 0 : O_NOFOLLOW)
        try self.init(unsafe open(path, flags), path: path)
    }

    /// Opens an entry of an open directory for reading; never follows a symbolic link.
    init(opening name: String, in directory: borrowing FileDescriptor, path: String) throws(FileAccessError) {
        // O_NONBLOCK keeps a pipe without a writer from holding the open; it changes nothing for regular files.
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW
        try self.init(unsafe openat(directory.number, name, flags), path: path)
    }

    private init(_ number: Int32, path: String) throws(FileAccessError) {
        guard number >= 0 else {
            throw errno == ELOOP ? .symbolicLink(path: path) : .system(operation: "open", path: path, code: errno)
        }
        self.number = number
        self.path = path
    }

    deinit { close(number) }

    func kind() throws(FileAccessError) -> Kind {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else {
            throw .system(operation: "examine", path: path, code: errno)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .regular(sizeBytes: UInt64(status.st_size))
        case S_IFDIR: return .directory
        default: return .special
        }
    }

    /// Reads the next bytes into the buffer and returns how many; 0 at the end.
    func read(into buffer: inout [UInt8]) throws(FileAccessError) -> Int {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(number, $0.baseAddress, $0.count) }
            if count >= 0 { return count }
            guard errno == EINTR else { throw .system(operation: "read", path: path, code: errno) }
        }
    }

    func read(into buffer: inout [UInt8], at offset: UInt64) throws(FileAccessError) -> Int {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.pread(number, bytes.baseAddress, bytes.count, off_t(clamping: offset))
            }
            if count >= 0 { return count }
            guard errno == EINTR else { throw .system(operation: "read", path: path, code: errno) }
        }
    }

    /// The names in an open directory without `.` and `..`, in no particular order.
    func names(limit: Int) throws(FileAccessError) -> [String] {
        // The stream closes its descriptor, so it gets one of its own.
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .system(operation: "list", path: path, code: errno) }
        guard let stream = unsafe fdopendir(copy) else {
            let code = errno
            close(copy)
            throw .system(operation: "list", path: path, code: code)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else { throw .system(operation: "list", path: path, code: errno) }
                return names
            }
            let name = try unsafe Self.name(of: entry, in: path)
            if name == "." || name == ".." { continue }
            guard names.count < limit else { throw .tooMany(path: path, limit: limit) }
            names.append(name)
        }
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>, in path: String) throws(FileAccessError) -> String
    {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
            unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(validatingCString: $0) }
        }
        guard let name else {
            throw .nameForbidden(InvalidArtifactPath(text: "an entry of \(path)", fault: "its name is not UTF-8"))
        }
        return name
    }
}

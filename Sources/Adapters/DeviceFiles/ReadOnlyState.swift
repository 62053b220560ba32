internal import DeviceAgent
internal import Fleet
internal import Glibc

/// The reading half of the disk.
enum ReadOnlyState {
    static func read(_ path: String) throws(StorageFault) -> [UInt8]? {
        // O_NONBLOCK keeps a pipe in a file's place from holding the agent; it changes nothing for regular files.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw StorageFault(systemError: errno, operation: "open", path: path)
        }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
            }
            if count == 0 { return contents }
            if count < 0 {
                if errno == EINTR { continue }
                throw StorageFault(systemError: errno, operation: "read", path: path)
            }
            contents += buffer.prefix(count)
            guard contents.count <= StateDirectory.readLimitBytes else {
                throw StorageFault(
                    operation: "read", path: path, reason: "it is larger than \(StateDirectory.readLimitBytes) bytes")
            }
        }
    }

    static func symbolicLink(_ path: String) throws(StorageFault) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes -> Int in
            guard let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return 0 }
            return unsafe readlink(path, start, bytes.count)
        }
        guard count >= 0 else {
            if errno == ENOENT || errno == EINVAL { return nil }
            throw StorageFault(systemError: errno, operation: "read the symbolic link", path: path)
        }
        return String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    static func facts(_ path: String) throws(StorageFault) -> FileFacts? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw StorageFault(systemError: errno, operation: "examine", path: path)
        }
        return FileFacts(sizeBytes: UInt64(status.st_size), links: UInt64(status.st_nlink))
    }

    static func list(_ path: String) throws(StorageFault) -> [DirectoryEntry] {
        guard let stream = unsafe opendir(path) else {
            if errno == ENOENT { return [] }
            throw StorageFault(systemError: errno, operation: "list", path: path)
        }
        defer { unsafe closedir(stream) }
        var entries: [DirectoryEntry] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            entries.append(DirectoryEntry(name: name, kind: kind(of: "\(path)/\(name)")))
        }
        return entries.sorted { $0.name < $1.name }
    }

    private static func kind(of path: String) -> DirectoryEntry.Kind {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return .other }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        default: return .other
        }
    }
}

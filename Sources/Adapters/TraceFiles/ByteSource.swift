internal import Glibc

/// Where bytes come from, some at a time.
protocol ByteSource: AnyObject {
    /// Reads bytes to `place` and behind it, at most up to the end of `buffer`; returns how many, 0 at the end.
    func read(into buffer: inout [UInt8], from place: Int) throws(TraceFault) -> Int
}

/// The bytes of a file.
final class FileBytes: ByteSource {
    private let path: String
    private let descriptor: Int32

    /// Opens a file for reading.
    ///
    /// - Throws: ``TraceFault`` where it cannot be opened.
    init(path: String) throws(TraceFault) {
        self.path = path
        let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
        descriptor = opened
        guard opened >= 0 else {
            throw TraceFault(file: path, fault: "cannot be read: \(FileSystem.reason(errno))")
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func read(into buffer: inout [UInt8], from place: Int) throws(TraceFault) -> Int {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(descriptor, bytes.baseAddress?.advanced(by: place), bytes.count - place)
            }
            if count >= 0 { return count }
            guard errno == EINTR else {
                throw TraceFault(file: path, fault: "cannot be read: \(FileSystem.reason(errno))")
            }
        }
    }
}

/// Questions about files.
enum FileSystem {
    /// The size of a file in bytes; nil where there is none.
    static func size(_ path: String) -> UInt64? {
        var facts = stat()
        guard unsafe stat(path, &facts) == 0 else { return nil }
        return UInt64(max(0, facts.st_size))
    }

    /// The names in a directory, sorted; empty where there is none.
    static func names(in path: String) -> [String] {
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The system's words for an error number.
    static func reason(_ number: Int32) -> String {
        unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    }
}

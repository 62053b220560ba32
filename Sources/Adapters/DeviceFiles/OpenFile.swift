internal import CLinux
internal import DeviceAgent
internal import Glibc

/// Owns a descriptor for as long as its owner lives.
final class DescriptorOwner: Sendable {
    private let number: Int32

    init(number: Int32) { self.number = number }

    deinit {
        // Unlocked by name: a child that is just being started would hold on to what was only closed here.
        flock(number, LOCK_UN)
        close(number)
    }
}

/// One open file, closed at its end.
struct OpenFile: ~Copyable {
    private let number: Int32
    private let path: String

    init(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(StorageFault) {
        number = unsafe open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode)
        self.path = path
        guard number >= 0 else { throw StorageFault(systemError: errno, operation: "open", path: path) }
    }

    deinit {
        // Unlocked by name: a child that is just being started would hold on to what was only closed here.
        flock(number, LOCK_UN)
        close(number)
    }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(StorageFault) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe pwrite(
                    number, buffer.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset) + off_t(done))
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw StorageFault(systemError: errno, operation: "write", path: path)
            }
            done += count
        }
    }

    func cut(at size: UInt64) throws(StorageFault) {
        guard ftruncate(number, off_t(size)) == 0 else {
            throw StorageFault(systemError: errno, operation: "cut", path: path)
        }
    }

    /// A failed fsync is not tried again: the kernel may have dropped the pages that it could not write.
    func sync() throws(StorageFault) {
        guard fsync(number) == 0 else { throw StorageFault(systemError: errno, operation: "sync", path: path) }
    }

    func reserve(_ size: UInt64) throws(StorageFault) {
        // FALLOC_FL_KEEP_SIZE (linux/falloc.h): room without length, so that the length still says how much is there.
        let keepSize: Int32 = 1
        guard fallocate(number, keepSize, 0, Int(size)) == 0 else {
            if errno == EOPNOTSUPP || errno == ENOSYS { return }
            throw StorageFault(systemError: errno, operation: "reserve room for", path: path)
        }
    }
}

extension StorageFault {
    /// A fault with the system's own reason.
    init(systemError code: Int32, operation: String, path: String) {
        let text = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        self.init(
            operation: operation, path: path, reason: text,
            isFull: code == ENOSPC || code == EDQUOT || code == EFBIG)
    }
}

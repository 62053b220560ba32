import Glibc

/// The lock that keeps two controllers off one database; the system lets go of it when the process ends.
final class ControllerLock: Sendable {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = unsafe open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SQLStoreError.directory(path: path, reason: unsafe String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw SQLStoreError.inUse(path: path)
        }
    }

    deinit {
        // Unlocked by name: a child that is just being started would hold on to what was only closed here.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

import Glibc

/// How many files and sockets the process may have open (getrlimit(2), RLIMIT_NOFILE).
public enum OpenFileLimit {
    /// The limit at this moment.
    public static var current: Int {
        limits().map { Int(clamping: $0.rlim_cur) } ?? 1024
    }

    /// Raises the limit to what the system allows this process, and returns it.
    ///
    /// A shell often starts programs with 1,024, kept low for programs that use select(2); a server that holds
    /// thousands of connections calls this once at its start.
    @discardableResult
    public static func raise() -> Int {
        guard var limits = limits() else { return current }
        limits.rlim_cur = limits.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        return current
    }

    private static func limits() -> rlimit? {
        var limits = rlimit()
        return unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 ? limits : nil
    }
}

internal import CLinux
internal import Glibc

/// SIGTERM and SIGINT as something to wait for, instead of handlers that may do next to nothing.
public enum TerminationSignals {
    /// Keeps both signals from ending the process; call it before any other thread is started, which then inherits it.
    public static func block() {
        var set = termination()
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        // A controller or runtime that closes a connection must not end the agent.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits until one of them arrives, and returns its number.
    public static func wait() -> Int32 {
        var set = termination()
        var number: Int32 = 0
        while unsafe sigwait(&set, &number) != 0 {}
        return number
    }

    private static func termination() -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        return set
    }
}

/// This process itself.
public enum OwnProcess {
    /// Ends it as `kill -9` would: nothing is cleaned up, nothing is flushed.
    public static func killNow() {
        kill(getpid(), SIGKILL)
    }

    /// Writes a line for a person to standard error; what cannot be written is lost.
    public static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = unsafe write(STDERR_FILENO, bytes, bytes.count)
    }
}

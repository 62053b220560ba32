internal import CLinux
public import DeviceAgent
internal import FoundationEssentials
internal import Glibc

/// Starts the model runtime as a child process: own process group, no inherited descriptors, output to a log file.
///
/// The child is started through `setpriv --pdeathsig KILL` (util-linux), so that it dies with the thread that started
/// it, even when the agent is killed; where `setpriv` is missing it is started without. An agent that is killed before
/// `setpriv` got that far, and a runtime that starts processes of its own, leave processes behind: each carries the
/// path of its log in its environment, by which the next start finds it (``endLeftovers()``).
public struct ProcessLauncher: ProcessLaunching {
    /// Where output goes; appended to, and started anew when it is larger than ``logLimitBytes``.
    public let logPath: String
    /// The size from which the log file starts anew, bytes.
    public static let logLimitBytes = 8 << 20

    private static let setpriv = "/usr/bin/setpriv"
    /// Variables of the agent's environment that its children do not get: a secret, and a fault that is meant for the
    /// agent.
    fileprivate static let withheld = ["EDGE_AGENT_TOKEN", "EDGE_AGENT_KILL_AT"]

    /// The variable by which the processes of a launcher are known.
    static let mark = "EDGE_AGENT_RUNTIME_LOG"

    /// Makes a launcher.
    public init(logPath: String) {
        self.logPath = logPath
    }

    /// Starts a program in a process group of its own; it dies with the calling thread.
    ///
    /// - Returns: the process id.
    public func launch(_ command: [String]) throws -> Int32 {
        guard !command.isEmpty else { throw LaunchFault(command: "", reason: "the command is empty") }
        let wrapped =
            unsafe access(Self.setpriv, X_OK) == 0 ? [Self.setpriv, "--pdeathsig", "KILL", "--"] + command : command
        let plan = try SpawnPlan(logPath: logPath)
        return try plan.spawn(wrapped)
    }

    /// Ends every process that an earlier launcher with this log started and that is still there.
    ///
    /// What an ended agent leaves behind would keep the port, and answer for a version that is not the one ordered.
    ///
    /// - Returns: their process ids.
    public func endLeftovers() -> [Int32] {
        let mark = Array("\(Self.mark)=\(logPath)".utf8)
        var ended: [Int32] = []
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let process = Int32(name), process != getpid(),
                let environment = FileManager.default.contents(atPath: "/proc/\(name)/environ"),
                environment.split(separator: 0).contains(where: { $0.elementsEqual(mark) })
            else { continue }
            if kill(process, SIGKILL) == 0 { ended.append(process) }
        }
        return ended
    }

    /// How the process ended; nil while it runs.
    public func end(of process: Int32) -> ProcessEnd? {
        var status: Int32 = 0
        let found = unsafe waitpid(process, &status, WNOHANG)
        if found == 0 { return nil }
        // ECHILD: its end was told before.
        guard found == process else { return .exited(-1) }
        // The layout of a wait status (wait(2)): the low seven bits are the signal, the next byte the exit status.
        let signal = status & 0x7F
        return signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal)
    }

    /// Sends a signal to the process alone: the others of its group are its own to tell.
    public func signal(_ process: Int32, _ number: Int32) {
        kill(process, number)
    }

    /// The last bytes of the log.
    public func recentOutput(limitBytes: Int) -> [UInt8] {
        let descriptor = unsafe open(logPath, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        let start = max(0, lseek(descriptor, 0, SEEK_END) - max(0, limitBytes))
        return unsafe [UInt8](unsafeUninitializedCapacity: max(0, limitBytes)) { buffer, count in
            count = max(0, unsafe pread(descriptor, buffer.baseAddress, buffer.count, start))
        }
    }

    /// Asks the process group to end, or ends it at once.
    public func terminate(_ process: Int32, force: Bool) {
        // The group has the number of its first process.
        kill(-process, force ? SIGKILL : SIGTERM)
    }
}

/// Why a program could not be started.
public struct LaunchFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The program.
    public let command: String
    /// The system's reason.
    public let reason: String

    /// A sentence for a person.
    public var description: String { "could not start \(command): \(reason); check the runtime's command" }
}

/// Attributes and file actions of one spawn, freed at its end.
@safe private final class SpawnPlan {
    private let logPath: String
    private var attributes = posix_spawnattr_t()
    private var actions = unsafe posix_spawn_file_actions_t()

    init(logPath: String) throws {
        self.logPath = logPath
        guard unsafe posix_spawnattr_init(&attributes) == 0, unsafe posix_spawn_file_actions_init(&actions) == 0 else {
            throw LaunchFault(command: "", reason: "out of memory")
        }
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        // The agent blocks signals to wait for them; the runtime must get its own.
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var status = stat()
        let isLarge = unsafe stat(logPath, &status) == 0 && status.st_size > ProcessLauncher.logLimitBytes
        let flags = O_WRONLY | O_CREAT | (isLarge ? O_TRUNC : O_APPEND)
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, logPath, flags, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    }

    deinit {
        unsafe posix_spawnattr_destroy(&attributes)
        unsafe posix_spawn_file_actions_destroy(&actions)
    }

    func spawn(_ command: [String]) throws -> Int32 {
        var environment = ProcessInfo.processInfo.environment.filter { !ProcessLauncher.withheld.contains($0.key) }
        environment[ProcessLauncher.mark] = logPath
        let arguments = unsafe Self.copied(command)
        let variables = unsafe Self.copied(environment.map { "\($0.key)=\($0.value)" })
        defer {
            for index in unsafe arguments.indices { unsafe free(arguments[index]) }
            for index in unsafe variables.indices { unsafe free(variables[index]) }
        }
        var process: pid_t = 0
        let code = unsafe posix_spawnp(&process, command[0], &actions, &attributes, arguments, variables)
        guard code == 0 else {
            let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
            throw LaunchFault(command: command[0], reason: reason)
        }
        return process
    }

    /// The texts as C wants them, nil at the end; the caller frees each.
    private static func copied(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        unsafe texts.map { unsafe strdup($0) } + [nil]
    }
}

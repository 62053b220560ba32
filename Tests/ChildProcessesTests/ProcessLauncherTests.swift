import DeviceAgent
import Foundation
import Testing

@testable import ChildProcesses

/// Real processes; every wait is for something that happens, with a limit that is never reached when it does.
@Suite struct ProcessLauncherTests {
    private let log = NSTemporaryDirectory() + "child-\(UUID().uuidString).log"
    private let launcher: ProcessLauncher

    init() { launcher = ProcessLauncher(logPath: log) }

    /// Waits until something is there, at most ten seconds.
    private func awaited<Value>(_ look: () throws -> Value?) throws -> Value {
        for _ in 0..<2_000 {
            if let value = try look() { return value }
            usleep(5_000)
        }
        return try #require(try look(), "it did not happen within ten seconds")
    }

    private func output(containing text: String) throws -> String {
        try awaited {
            let found = try? String(contentsOfFile: log, encoding: .utf8)
            return found.flatMap { $0.contains(text) ? $0 : nil }
        }
    }

    @Test("a program's exit status is seen", arguments: [0, 7])
    func exits(status: Int32) throws {
        let process = try launcher.launch(["/bin/sh", "-c", "exit \(status)"])
        #expect(try awaited { launcher.end(of: process) } == .exited(status))
    }

    @Test("a crash is seen with its signal")
    func crashes() throws {
        let process = try launcher.launch(["/bin/sh", "-c", "kill -SEGV $$"])
        #expect(try awaited { launcher.end(of: process) } == .signalled(SIGSEGV))
    }

    @Test("a running program is not over, ends when asked, and leaves no zombie")
    func terminates() throws {
        let process = try launcher.launch(["/bin/sleep", "60"])
        #expect(launcher.end(of: process) == nil)
        launcher.terminate(process, force: false)
        #expect(try awaited { launcher.end(of: process) } == .signalled(SIGTERM))
        #expect(kill(process, 0) == -1 && errno == ESRCH, "the process is gone, not a zombie")
        #expect(launcher.end(of: process) == .exited(-1), "its end was told before")
    }

    @Test("what a killed agent left behind is ended by the next start, and nothing else")
    func leftovers() throws {
        let other = ProcessLauncher(logPath: log + ".other")
        let kept = try other.launch(["/bin/sleep", "60"])
        defer { other.terminate(kept, force: true) }
        let child = try launcher.launch(["/bin/sh", "-c", "setsid sleep 60 & echo child $!; wait"])
        let text = try output(containing: "child ")
        let grandchild = try #require(text.split(separator: " ").last.flatMap { pid_t($0.filter(\.isNumber)) })
        // A moment after the start the environment may still be that of the launching program.
        var ended: Set<Int32> = []
        _ = try awaited { () -> Bool? in
            ended.formUnion(ProcessLauncher(logPath: log).endLeftovers())
            return ended.isSuperset(of: [child, grandchild]) ? true : nil
        }
        #expect(try awaited { launcher.end(of: child) } == .signalled(SIGKILL))
        #expect(ended == [child, grandchild])
        #expect(other.end(of: kept) == nil)
        other.terminate(kept, force: true)
        #expect(try awaited { other.end(of: kept) } == .signalled(SIGKILL))
    }

    @Test("the last output of programs is there, and a signal reaches one alone")
    func outputAndSignals() throws {
        #expect(launcher.recentOutput(limitBytes: 10) == [])
        let process = try launcher.launch([
            "/bin/sh", "-c", "trap 'echo heard; exit 3' HUP; echo ready; sleep 60 & wait",
        ])
        _ = try output(containing: "ready")
        launcher.signal(process, SIGHUP)
        #expect(try awaited { launcher.end(of: process) } == .exited(3))
        launcher.terminate(process, force: true)
        #expect(String(decoding: launcher.recentOutput(limitBytes: 6), as: UTF8.self) == "heard\n")
        #expect(launcher.recentOutput(limitBytes: 4096).count == 12)
    }

    @Test("a program that does not listen is ended by force, with all it has started")
    func force() throws {
        let process = try launcher.launch(["/bin/sh", "-c", "trap '' TERM; sleep 60 & echo child $!; wait; sleep 60"])
        let text = try output(containing: "child ")
        let child = try #require(text.split(separator: " ").last.flatMap { pid_t($0.filter(\.isNumber)) })
        launcher.terminate(process, force: false)
        usleep(20_000)
        #expect(launcher.end(of: process) == nil)
        launcher.terminate(process, force: true)
        #expect(try awaited { launcher.end(of: process) } == .signalled(SIGKILL))
        // Whoever inherits the grandchild may take a moment to collect it.
        _ = try awaited { hasEnded(child) ? true : nil }
    }

    private func hasEnded(_ process: pid_t) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return true }
        return status.contains(") Z ")
    }

    @Test("output goes to the log, however much it is, and blocks nobody")
    func output() throws {
        let process = try launcher.launch(["/bin/sh", "-c", "seq 1 100000; echo to stderr >&2"])
        #expect(try awaited { launcher.end(of: process) } == .exited(0))
        let text = try String(contentsOfFile: log, encoding: .utf8)
        #expect(text.hasPrefix("1\n2\n") && text.hasSuffix("100000\nto stderr\n"))
        let again = try launcher.launch(["/bin/echo", "appended"])
        _ = try awaited { launcher.end(of: again) }
        #expect(try String(contentsOfFile: log, encoding: .utf8).hasSuffix("to stderr\nappended\n"))
    }

    @Test("a log that has grown too large starts anew")
    func logLimit() throws {
        try Data(count: ProcessLauncher.logLimitBytes + 1).write(to: URL(fileURLWithPath: log))
        let process = try launcher.launch(["/bin/echo", "fresh"])
        _ = try awaited { launcher.end(of: process) }
        #expect(try String(contentsOfFile: log, encoding: .utf8) == "fresh\n")
    }

    @Test("a program inherits no open file, no blocked signal and no input")
    func inheritance() throws {
        let opened = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/etc/hostname"))
        defer { try? opened.close() }
        // Without close-on-exec, as a careless library would open it.
        _ = fcntl(opened.fileDescriptor, F_SETFD, 0)
        let process = try launcher.launch([
            "/bin/sh", "-c", "ls /proc/self/fd | tr '\\n' ' '; cat; grep SigBlk /proc/self/status; echo done",
        ])
        _ = try awaited { launcher.end(of: process) }
        let text = try String(contentsOfFile: log, encoding: .utf8)
        // 3 is the directory that ls itself reads.
        #expect(text.hasPrefix("0 1 2 3 \n") || text.hasPrefix("0 1 2 3 SigBlk"), "\(text)")
        #expect(text.contains("SigBlk:\t0000000000000000"))
        #expect(text.hasSuffix("done\n"))
    }

    @Test("starting and ending programs leaks no file descriptor")
    func descriptors() throws {
        func count() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
        func startAndEnd() throws {
            let process = try launcher.launch(["/bin/true"])
            _ = try awaited { launcher.end(of: process) }
        }
        try startAndEnd()
        let before = try count()
        for _ in 0..<20 { try startAndEnd() }
        // Other tests of the process open files too, but not one for each of these.
        #expect(try count() < before + 15)
    }

    @Test("a program that is not there is named where it can be, or ends at once")
    func missing() throws {
        do {
            let process = try launcher.launch(["/nowhere/runtime"])
            let end = try awaited { launcher.end(of: process) }
            #expect(end != .exited(0))
        } catch let fault as LaunchFault {
            #expect(fault.command == "/nowhere/runtime")
        }
        #expect(throws: LaunchFault.self) { try launcher.launch([]) }
    }
}

import ArgumentParser
import Dispatch
import Synchronization
import Terminal
import TraceFiles

/// `edgectl judge`: the judge without a controller.
struct JudgeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge", abstract: "Judges recorded fleets, without a controller.",
        subcommands: [JudgeReplay.self])
}

/// `edgectl judge replay`.
struct JudgeReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Judges recordings of rollouts tick by tick, as the controller would have.",
        discussion: """
            A trace is a directory with devices.csv, observations.csv and policy.yaml (without it the product's
            defaults); docs/recordings.md describes them. Of a directory without devices.csv all traces in it are
            judged. One line of JSON per trace is written, in the order of the arguments.
            Exit codes: 0 every trace was judged, whatever was decided; 2 one could not be read.
            """)

    @Flag(name: .long, help: "Write a line of JSON for every tick of every step too.") var verbose = false
    @Argument(help: "Directories of traces.") var directories: [String]

    func run() throws {
        let traces = directories.flatMap { TraceDirectory.all(in: $0) }
        let progress = ReplayProgress(totalBytes: traces.reduce(0) { $0 + $1.sizeBytes })
        let output = OrderedReports(progress: progress)
        let isVerbose = verbose
        DispatchQueue.concurrentPerform(iterations: traces.count) { index in
            let report = TraceReport(traces[index], isVerbose: isVerbose) { progress.advance(by: $0) }
            output.put(report, at: index)
        }
        progress.clear()
        if output.hasFaults { throw QuietExit(status: .invalid) }
    }
}

/// Writes reports in the order of their traces, each as soon as those before it are written.
private final class OrderedReports: Sendable {
    private struct State {
        var waiting: [Int: TraceReport] = [:]
        var next = 0
        var hasFaults = false
    }

    private let state = Mutex(State())
    private let progress: ReplayProgress

    init(progress: ReplayProgress) {
        self.progress = progress
    }

    /// Whether any trace could not be read.
    var hasFaults: Bool { state.withLock(\.hasFaults) }

    /// Takes a report; what is written meanwhile is written under the lock, so that no two mix.
    func put(_ report: TraceReport, at index: Int) {
        state.withLock { state in
            state.waiting[index] = report
            while let next = state.waiting.removeValue(forKey: state.next) {
                if !next.warnings.isEmpty || next.fault != nil { progress.clear() }
                for warning in next.warnings { Console.warn(warning) }
                if let fault = next.fault {
                    Console.error.print(StyledText("error: ", .bad) + StyledText(fault))
                    state.hasFaults = true
                }
                if !next.lines.isEmpty { Console.output.write(next.lines.joined(separator: "\n") + "\n") }
                state.next += 1
            }
        }
    }
}

/// The bar on the error stream, where it is a terminal.
private final class ReplayProgress: Sendable {
    private let state: Mutex<(line: ProgressLine, bytes: UInt64, isDrawn: Bool)>
    private let totalBytes: UInt64

    init(totalBytes: UInt64) {
        self.totalBytes = totalBytes
        state = Mutex((ProgressLine(title: "judging", totalBytes: totalBytes, at: Console.seconds), 0, false))
    }

    /// So many more bytes were read.
    func advance(by bytes: UInt64) {
        guard Console.error.isInteractive else { return }
        state.withLock { state in
            // The last byte is left out: the line must not end before the last trace is judged.
            state.bytes = min(state.bytes + bytes, max(1, totalBytes) - 1)
            guard let text = state.line.advanced(to: state.bytes, at: Console.seconds, on: Console.error) else {
                return
            }
            Console.error.write(text)
            state.isDrawn = true
        }
    }

    /// Clears the line (ECMA-48), so that something else can stand there.
    func clear() {
        state.withLock { state in
            if state.isDrawn { Console.error.write("\r\u{1B}[K") }
            state.isDrawn = false
        }
    }
}

import DeviceUpdates
import Fleet
import Synchronization
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// One fault in one state, and what must come of it.
struct FaultCase {
    let bench: FaultBench
    let state: String
    let fault: String
    let expected: Prediction
    /// How often the agent may be started again.
    var starts = 2
    /// Whether the fault damages what the device serves.
    var damages = false
    /// Brings the fault about on a copy of the bench's device.
    let arrange: (Device) -> Void
}

/// What came of a case.
struct FaultResult: Hashable {
    var log: [String]
    var end: String
    var outcome: String
    var reason: String
    var serves: String
}

extension FaultCase {
    /// What the state machine says.
    var prediction: FaultResult {
        let ending = expected.ending?.ending
        return FaultResult(
            log: expected.log, end: expected.machine.state.word, outcome: ending?.outcome.rawValue ?? "none",
            reason: ending?.reason?.rawValue ?? "", serves: name(expected.current) + (damages ? ", damaged" : ""))
    }

    /// What a device does.
    func run() throws -> FaultResult {
        let device = try bench.device.copy()
        let recorder = TransitionRecorder(after: try bench.record(after: 0).sequence)
        device.disk.trace.withLock { $0 = nil }
        arrange(device)
        let arranged = device.disk.watch.withLock { $0 }
        device.disk.watch.withLock {
            $0 = { moment in
                recorder.note(moment)
                arranged?(moment)
            }
        }
        for _ in 0..<(starts + 1) {
            do {
                try device.work()
            } catch {
                // The process is gone, or the network: what comes next is a start, with a network.
                if device.disk.isCut {
                    device.disk.setBudget(.max)
                    device.runtime.state.withLock { $0.serving = nil }
                }
                device.controller.state.withLock { $0.isAway = false }
                continue
            }
            if device.agent?.outbox.isEmpty ?? false { break }
        }
        device.disk.setBudget(.max)
        let outcomes = device.controller.outcomes.filter { $0.assignment == bench.number }
        let local = try device.local
        let isServed = device.runtime.state.withLock { $0.serving } == local.current
        let isWhole = try local.current.map(device.store.isWhole) ?? true
        return FaultResult(
            log: recorder.log, end: try JournalStore(files: device.disk).last.state.word,
            outcome: outcomes.map(\.outcome.rawValue).joined(separator: " + "),
            reason: outcomes.compactMap(\.reason).joined(separator: " + "),
            serves: name(local.current) + (isServed ? "" : ", not served") + (isWhole ? "" : ", damaged"))
    }

    private func name(_ digest: Digest?) -> String {
        digest == bench.v1.digest ? "v1" : digest == bench.v2.digest ? "v2" : "nothing"
    }
}

/// The states that an agent's journal goes through.
final class TransitionRecorder: Sendable {
    private let records = Mutex<[(sequence: UInt64, word: String)]>([])
    private let start: UInt64

    /// Records what comes after the record with that sequence.
    init(after start: UInt64) { self.start = start }

    var log: [String] { records.withLock { $0.map(\.word) } }

    func note(_ moment: MemoryDisk.Moment) {
        guard moment.operation == "write", moment.path.hasPrefix("journal/"),
            let last = moment.journal, last.sequence > start
        else { return }
        records.withLock { records in
            // A record that could not be made durable is written again.
            if records.last?.sequence == last.sequence { records.removeLast() }
            records.append((last.sequence, last.state.word))
        }
    }
}

extension MemoryDisk.Moment {
    /// The state that has just become durable in the journal; nil for another operation.
    var entered: String? {
        guard operation == "sync", path.hasPrefix("journal/") else { return nil }
        return journal?.state.word
    }

    /// The journal's newest record, durable or not.
    var journal: JournalRecord? {
        var readable = state
        readable.budget = .max
        return try? JournalStore(files: MemoryDisk(readable)).last
    }
}

extension Device {
    /// Does something each time the journal has that state, at most so often.
    func whenever(in word: String, times: Int = 1, _ body: @escaping @Sendable () -> Void) {
        let left = Mutex(times)
        let before = disk.watch.withLock { $0 }
        disk.watch.withLock {
            $0 = { moment in
                before?(moment)
                guard moment.entered == word else { return }
                let isDue = left.withLock { left in
                    left -= 1
                    return left >= 0
                }
                if isDue { body() }
            }
        }
    }
}

import Synchronization
import WireFormat

/// Reports that wait for the controller, on disk until it has them.
///
/// A sequence number is reserved before its report is journaled and written, so that a report that is written again
/// after a power cut is the same report.
final class Outbox: Sendable {
    /// More waiting reports than this drop the oldest that is no outcome of an attempt.
    static let limit = 1000
    /// Reports in one request.
    static let batchLimit = 100

    private struct State {
        var next: UInt64
        var acknowledged: UInt64
        var waiting: [UInt64]
        /// The number that an outcome was promised and that was not written yet; nil for none.
        var promised: UInt64?

        /// What may be sent: an acknowledgement covers every smaller number, so nothing overtakes a promised one.
        var sendable: [UInt64] {
            guard let promised else { return waiting }
            return waiting.filter { $0 < promised }
        }
    }

    private let files: any DurableFiles
    private let state: Mutex<State>

    /// Opens the outbox; `reserved` is a sequence number that the journal promised, 0 for none.
    init(files: any DurableFiles, reserved: UInt64) throws(StorageFault) {
        self.files = files
        let text = try files.read(StateLayout.acknowledged).map { String(decoding: $0, as: UTF8.self) }
        let acknowledged = text.flatMap(UInt64.init) ?? 0
        let stored = try files.list(StateLayout.outbox)
            .compactMap { $0.name.hasSuffix(".ndjson") ? UInt64($0.name.dropLast(7)) : nil }
        // An end of the agent between the acknowledgement and the removal leaves them behind.
        for done in stored where done <= acknowledged { try files.remove(Self.path(done)) }
        let waiting = stored.filter { $0 > acknowledged }.sorted()
        state = Mutex(
            State(
                next: max(acknowledged, waiting.last ?? 0, reserved) + 1, acknowledged: acknowledged, waiting: waiting,
                promised: reserved > acknowledged && !waiting.contains(reserved) ? reserved : nil))
    }

    /// Whether nothing waits that may be sent.
    var isEmpty: Bool { state.withLock { $0.sendable.isEmpty } }

    /// Takes the next sequence number.
    func reserve() -> UInt64 {
        state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
    }

    /// Takes the next sequence number for an outcome that is still to be journaled and written.
    ///
    /// Until it is written, or the promise is released, reports with larger numbers wait.
    func promise() -> UInt64 {
        state.withLock { state in
            defer { state.next += 1 }
            state.promised = state.next
            return state.next
        }
    }

    /// Gives up a promise: no outcome will have that number.
    func releasePromise() {
        state.withLock { $0.promised = nil }
    }

    /// Writes a report, durably; one that is written or acknowledged already changes nothing.
    func put(_ report: AttemptReport) throws {
        let sequence = report.sequence
        guard state.withLock({ $0.acknowledged < sequence && !$0.waiting.contains(sequence) }) else { return }
        try files.replace(Self.path(sequence), with: JSONCoding.encode(report) + [0x0A])
        let surplus = state.withLock { state in
            state.waiting.append(sequence)
            state.waiting.sort()
            if state.promised == sequence { state.promised = nil }
            return state.waiting.count > Self.limit ? state.waiting : []
        }
        try dropOldestStep(of: surplus)
    }

    /// The oldest waiting reports.
    func batch() throws -> ReportBatch {
        let sequences = state.withLock { Array($0.sendable.prefix(Self.batchLimit)) }
        var reports: [AttemptReport] = []
        for sequence in sequences {
            if let bytes = try files.read(Self.path(sequence)) {
                reports.append(try JSONCoding.decode(AttemptReport.self, from: bytes))
            }
        }
        return ReportBatch(reports: reports)
    }

    /// Forgets what the controller has; the number goes to disk before the reports leave it.
    func acknowledge(through sequence: UInt64, killSwitch: any KillSwitch) throws {
        guard let known = state.withLock({ $0.acknowledged < sequence ? $0.waiting : nil }) else { return }
        try files.replace(StateLayout.acknowledged, with: Array(String(sequence).utf8))
        killSwitch.reached(.reportAcknowledged)
        for done in known where done <= sequence { try files.remove(Self.path(done)) }
        state.withLock { state in
            state.acknowledged = sequence
            state.next = max(state.next, sequence + 1)
            state.waiting.removeAll { $0 <= sequence }
        }
    }

    private func dropOldestStep(of waiting: [UInt64]) throws {
        for sequence in waiting {
            guard let bytes = try files.read(Self.path(sequence)),
                let report = try? JSONCoding.decode(AttemptReport.self, from: bytes), report.outcome == .stepDone
            else { continue }
            try files.remove(Self.path(sequence))
            state.withLock { $0.waiting.removeAll { $0 == sequence } }
            return
        }
    }

    private static func path(_ sequence: UInt64) -> String {
        let digits = String(sequence)
        return "\(StateLayout.outbox)/" + String(repeating: "0", count: max(0, 20 - digits.count)) + digits + ".ndjson"
    }
}

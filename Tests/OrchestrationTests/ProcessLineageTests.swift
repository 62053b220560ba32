import Fleet
import Testing
import WireFormat

@testable import Orchestration

/// A process of an agent: it counts its heartbeats and repeats the newest reply that it got.
private struct Process {
    let boot: Int64
    var sequence: UInt64 = 0
    var heard: UInt64 = 0

    init(boot: Int64) { self.boot = boot }

    /// The next heartbeat, not sent yet.
    mutating func compose() -> Heartbeat {
        sequence += 1
        return Heartbeat(boot: boot, sequence: sequence, sentAt: 0, assignment: 0, heard: heard)
    }

    /// Sends one and gets the reply.
    mutating func speak(to lineage: inout ProcessLineage, at seconds: Int64) {
        heard = lineage.take(compose(), at: Timestamp(milliseconds: seconds * 1000))
    }
}

@Suite struct ProcessLineageTests {
    private var lineage = ProcessLineage()

    @Test mutating func `two machines are noticed, whichever started first`() {
        var (one, other) = (Process(boot: 10), Process(boot: 20))
        one.speak(to: &lineage, at: 1)
        other.speak(to: &lineage, at: 2)
        #expect(lineage.twin == nil)
        one.speak(to: &lineage, at: 3)
        one.speak(to: &lineage, at: 4)
        #expect(lineage.twin == .returned)
    }

    @Test mutating func `two machines with one start are noticed`() {
        var (one, other) = (Process(boot: 10), Process(boot: 10))
        for second in 1...4 {
            one.speak(to: &lineage, at: Int64(second))
            other.speak(to: &lineage, at: Int64(second))
        }
        #expect(lineage.twin == .crossed)
    }

    @Test mutating func `restarts are no alarm, nor is a clock that went back between them`() {
        for boot in [10, 20, 5, 6, 7, 100] as [Int64] {
            var process = Process(boot: boot)
            for second in 1...3 { process.speak(to: &lineage, at: Int64(second)) }
        }
        #expect(lineage.twin == nil)
    }

    @Test mutating func `heartbeats that lay in a buffer are no alarm, in any order and twice`() {
        var (old, new) = (Process(boot: 10), Process(boot: 20))
        for second in 1...3 { old.speak(to: &lineage, at: Int64(second)) }
        let buffered = [old.compose(), old.compose(), old.compose()]
        for second in 4...6 { new.speak(to: &lineage, at: Int64(second)) }
        for heartbeat in buffered.reversed() + buffered {
            _ = lineage.take(heartbeat, at: Timestamp(milliseconds: 7000))
        }
        for second in 8...9 { new.speak(to: &lineage, at: Int64(second)) }
        #expect(lineage.twin == nil)
    }

    @Test mutating func `lost replies and a controller that starts anew, with its clock back, are no alarm`() {
        var process = Process(boot: 10)
        for second in 100...102 { process.speak(to: &lineage, at: Int64(second)) }
        for _ in 0..<3 { _ = lineage.take(process.compose(), at: Timestamp(milliseconds: 103_000)) }
        process.speak(to: &lineage, at: 104)
        #expect(lineage.twin == nil)
        var restarted = ProcessLineage()
        _ = restarted.take(process.compose(), at: Timestamp(milliseconds: 50_000))
        for second in 51...53 { process.speak(to: &restarted, at: Int64(second)) }
        #expect(restarted.twin == nil)
    }

    @Test mutating func `an agent that repeats nothing is never an alarm`() {
        for second in 1...6 {
            let boot: Int64 = second.isMultiple(of: 2) ? 10 : 20
            let heartbeat = Heartbeat(boot: boot, sequence: UInt64(second), sentAt: 0, assignment: 0)
            _ = lineage.take(heartbeat, at: Timestamp(milliseconds: Int64(second) * 1000))
        }
        #expect(lineage.twin == nil)
    }
}

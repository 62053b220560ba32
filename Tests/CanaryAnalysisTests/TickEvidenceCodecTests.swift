import FleetSimulation
import Testing

@testable import CanaryAnalysis

@Suite struct TickEvidenceCodecTests {
    private static var full: TickEvidence {
        var heard = DeviceObservation(device: 0)
        heard.wasHeard = true
        heard.old = [Tally(count: 20, total: 1), Tally(count: 300, total: -0.25)]
        var swapped = DeviceObservation(device: 700)
        swapped.wasHeard = true
        swapped.isCommanded = true
        swapped.isExposed = true
        swapped.crashes = 2
        swapped.failedStarts = 1
        swapped.new = [Tally(count: 1e15, total: 1e12), Tally()]
        var silent = DeviceObservation(device: 70_000)
        silent.isCommanded = true
        silent.hasFailedUpdate = true
        silent.isExcused = true
        return TickEvidence(observations: [heard, swapped, silent])
    }

    @Test("what is packed comes back", arguments: [full, TickEvidence(observations: [])])
    func roundTrip(_ evidence: TickEvidence) throws {
        #expect(try TickEvidence(decoding: evidence.encoded()) == evidence)
    }

    @Test("a usual device takes a few bytes")
    func compact() {
        let evidence = SimulatedStep().evidence(ticks: 1)[0]
        #expect(evidence.encoded().count <= 24 * 6 + 2)
    }

    @Test("a row that was cut anywhere is refused")
    func truncated() {
        let bytes = Self.full.encoded()
        for length in 0..<bytes.count {
            #expect(throws: EvidenceFault.self) { try TickEvidence(decoding: Array(bytes.prefix(length))) }
        }
    }

    @Test("another version, bytes left over and numbers out of range are refused")
    func malformed() {
        #expect(throws: EvidenceFault.unknownVersion(9)) { try TickEvidence(decoding: [9, 0]) }
        #expect(throws: EvidenceFault.truncated) { try TickEvidence(decoding: []) }
        #expect(throws: EvidenceFault.malformed) { try TickEvidence(decoding: Self.full.encoded() + [0]) }
        #expect(throws: EvidenceFault.malformed) {
            try TickEvidence(decoding: [2, 1] + [UInt8](repeating: 0xFF, count: 9) + [0x02, 0])
        }
        // A count larger than what follows must not reserve memory for it.
        #expect(throws: EvidenceFault.truncated) { try TickEvidence(decoding: [2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]) }
    }

    @Test("no bytes at all bring it down")
    func noise() {
        var random = Chance(seed: 1, stream: 1)
        var read = 0
        for _ in 0..<3_000 {
            let bytes = [1] + (0..<(random.next() % 40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            if (try? TickEvidence(decoding: bytes)) != nil { read += 1 }
        }
        #expect(read < 3_000)
    }

    @Test("the faults say what to do")
    func description() {
        #expect(EvidenceFault.unknownVersion(2).description.contains("format 2"))
        #expect(!EvidenceFault.truncated.description.isEmpty && !EvidenceFault.malformed.description.isEmpty)
    }
}

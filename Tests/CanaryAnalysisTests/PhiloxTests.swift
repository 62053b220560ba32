import Testing

@testable import CanaryAnalysis

@Suite struct PhiloxTests {
    /// Source: Random123, `tests/kat_vectors`, philox4x32 with 10 rounds.
    struct Vector: Sendable {
        let counter: SIMD4<UInt32>
        let key: SIMD2<UInt32>
        let words: SIMD4<UInt32>
    }

    static let vectors = [
        Vector(counter: .zero, key: .zero, words: SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)),
        Vector(
            counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max),
            words: SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)),
        Vector(
            counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: SIMD2(0xa409_3822, 0x299f_31d0),
            words: SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)),
    ]

    @Test("the published vectors come out", arguments: vectors)
    func published(_ vector: Vector) {
        #expect(Philox.block(counter: vector.counter, key: vector.key) == vector.words)
    }

    @Test("the same seed, purpose and stream give the same sequence, any other another one")
    func sequences() {
        func first(_ seed: UInt64, _ purpose: RandomPurpose, _ stream: UInt32) -> [UInt64] {
            var random = KeyedRandom(seed: seed, purpose: purpose, stream: stream)
            return (0..<5).map { _ in random.next() }
        }
        let sequence = first(7, .draw, 1)
        #expect(first(7, .draw, 1) == sequence)
        #expect(first(8, .draw, 1) != sequence)
        #expect(first(7, .assignments, 1) != sequence)
        #expect(first(7, .draw, 2) != sequence)
        #expect(Set(sequence).count == 5)
    }

    @Test("bounded numbers are equally likely")
    func bounded() {
        var random = KeyedRandom(seed: 3, purpose: .draw)
        var counts = [Int](repeating: 0, count: 6)
        for _ in 0..<6_000 { counts[random.next(below: 6)] += 1 }
        // 1,000 expected each, standard deviation 28.9: five deviations are one in two million.
        #expect(counts.allSatisfy { abs($0 - 1_000) < 145 }, "\(counts)")
        #expect(random.next(below: 1) == 0)
    }

    @Test("uniform numbers lie in 0 ..< 1 and do not depend on the order they are asked for in")
    func uniform() {
        let forth = (0..<1_000).map { KeyedRandom.uniform(seed: 5, purpose: .proof, row: 2, column: $0) }
        let back = (0..<1_000).reversed().map { KeyedRandom.uniform(seed: 5, purpose: .proof, row: 2, column: $0) }
        #expect(forth == back.reversed())
        #expect(forth.allSatisfy { $0 >= 0 && $0 < 1 })
        // Mean 1/2 with a standard deviation of 0.0091.
        #expect(abs(forth.reduce(0, +) / 1_000 - 0.5) < 0.046)
    }
}

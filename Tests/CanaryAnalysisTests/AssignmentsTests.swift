import Testing

@testable import CanaryAnalysis

@Suite struct AssignmentsTests {
    private func assignments(_ devices: Int, _ canaries: Int, strata: [Int]? = nil) -> Assignments {
        Assignments(
            isCanary: (0..<devices).map { $0 < canaries }, strata: strata ?? [Int](repeating: 0, count: devices),
            share: 0.0045, seed: 11)
    }

    @Test(
        "all assignments are compared where they are few",
        arguments: [(8, 7, 8), (6, 3, 20), (16, 8, 12_870), (5, 0, 1), (5, 5, 1), (1, 1, 1)])
    func enumeration(devices: Int, canaries: Int, count: Int) {
        let all = assignments(devices, canaries)
        #expect(all.isComplete)
        #expect(all.count == count)
    }

    @Test("strata multiply, and only like is exchanged with like")
    func strata() {
        let isCanary = [true, false, false, true, false, false]
        let all = Assignments(isCanary: isCanary, strata: [0, 0, 0, 1, 1, 1], share: 0.01, seed: 1)
        #expect(all.count == 9)
        // One canary of each stratum: the sum over the first stratum's devices is always one.
        #expect(all.sums(of: [1, 1, 1, 0, 0, 0]).allSatisfy { $0 == 1 })
    }

    @Test("every assignment is there once, the observed one first")
    func distinct() {
        // Powers of two: a sum names its members.
        let sums = assignments(8, 3).sums(of: (0..<8).map { 1 << Int64($0) })
        #expect(sums.count == 56)
        #expect(Set(sums).count == 56)
        #expect(sums[0] == 7)
        #expect(sums.allSatisfy { $0.nonzeroBitCount == 3 })
    }

    @Test("the larger arm's sums are the total without the smaller arm's")
    func largerArm() {
        let sums = assignments(8, 5).sums(of: (0..<8).map { 1 << Int64($0) })
        #expect(sums.count == 56)
        #expect(sums[0] == 31)
        #expect(sums.allSatisfy { $0.nonzeroBitCount == 5 })
    }

    @Test("10,000 are drawn where there are more than 20,000")
    func sample() {
        let drawn = assignments(24, 8)
        #expect(!drawn.isComplete)
        #expect(drawn.count == 10_001)
        let sums = drawn.sums(of: (0..<24).map { 1 << Int64($0) })
        #expect(sums[0] == 255)
        #expect(sums.allSatisfy { $0.nonzeroBitCount == 8 })
    }

    @Test("a smaller share draws more, so that one of them can cross")
    func smallShare() {
        let drawn = Assignments(
            isCanary: (0..<24).map { $0 < 8 }, strata: [Int](repeating: 0, count: 24), share: 0.001, seed: 1)
        #expect(drawn.count == 20_001)
    }

    /// Source: the upper tails of hypergeometric distributions by SciPy's `hypergeom.sf(k - 1, M, n, N)`.
    @Test(
        "over all assignments a count has the hypergeometric distribution",
        arguments: [(12, 4, 3, 3, 4.0 / 220), (12, 4, 6, 4, 15.0 / 495), (10, 5, 4, 3, 0.26190476190476186)])
    func hypergeometric(devices: Int, canaries: Int, marked: Int, among: Int, tail: Double) {
        let all = assignments(devices, canaries)
        // The first are canaries; mark some of them and the rest from the other end.
        let row = (0..<devices).map { Int64($0 < among || $0 >= devices - (marked - among) ? 1 : 0) }
        let sums = all.sums(of: row)
        #expect(sums[0] == Int64(among))
        #expect(abs(Double(sums.count { $0 >= sums[0] }) / Double(sums.count) - tail) < 1e-12)
    }

    @Test("eight rows at a time, and what is left over, are summed like one")
    func batches() {
        let all = assignments(9, 4)
        let rows: [ScoreRow] = (0..<11).map { (row: Int) in
            (0..<9).map { (device: Int) in Int64((device + 1) * (row + 3) % 7) }
        }
        #expect(all.sums(of: rows) == rows.map { all.sums(of: $0) })
    }
}

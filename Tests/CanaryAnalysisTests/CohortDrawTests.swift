import Testing

@testable import CanaryAnalysis

@Suite struct CohortDrawTests {
    private func candidates(_ groups: [(count: Int, site: String, hardware: String)]) -> [Candidate] {
        groups.flatMap { group in
            (0..<group.count).map {
                Candidate(
                    id: "\(group.site)-\(group.hardware)-\($0)", site: group.site, hardware: group.hardware)
            }
        }
    }

    @Test("as many are drawn as asked for, at most all, at least none", arguments: [(-1, 0), (0, 0), (8, 8), (30, 24)])
    func size(asked: Int, drawn: Int) {
        let draw = CohortDraw(
            candidates: candidates([(24, "berlin", "orin")]), size: asked, seed: 1, step: 1)
        #expect(draw.isDrawn.count { $0 } == drawn)
    }

    @Test("nobody can be drawn from an empty list")
    func empty() {
        let draw = CohortDraw(candidates: [], size: 3, seed: 1, step: 1)
        #expect(draw.isDrawn.isEmpty && draw.strata.isEmpty)
    }

    @Test("the same seed draws the same cohort, another seed or step another one")
    func keyed() {
        let list = candidates([(40, "berlin", "orin")])
        func drawn(_ seed: UInt64, _ step: Int) -> [Bool] {
            CohortDraw(candidates: list, size: 10, seed: seed, step: step).isDrawn
        }
        #expect(drawn(1, 1) == drawn(1, 1))
        #expect(drawn(1, 1) != drawn(2, 1))
        #expect(drawn(1, 1) != drawn(1, 2))
    }

    @Test("a cohort is spread over strata in proportion")
    func proportion() {
        let list = candidates([(60, "berlin", "orin"), (40, "paris", "orin")])
        let draw = CohortDraw(candidates: list, size: 10, seed: 4, step: 1)
        #expect(draw.isDrawn[..<60].count { $0 } == 6)
        #expect(draw.isDrawn[60...].count { $0 } == 4)
        #expect(Set(draw.strata).count == 2)
    }

    @Test("a small stratum merges into its hardware, and that into all")
    func merging() {
        // 12 and 15 of one kind make a stratum together; 5 and 4 of other kinds make the rest.
        let list = candidates([
            (50, "berlin", "orin"), (12, "paris", "nano"), (15, "rome", "nano"), (5, "oslo", "x86"), (4, "bern", "arm"),
        ])
        let strata = CohortDraw(candidates: list, size: 20, seed: 1, step: 1).strata
        #expect(Set(strata).count == 3)
        #expect(Set(strata[..<50]).count == 1)
        #expect(Set(strata[50..<77]).count == 1)
        #expect(Set(strata[77...]).count == 1)
    }

    @Test("a stratum that expects less than one canary merges, however many devices it has")
    func expectation() {
        let list = candidates([(30, "berlin", "orin"), (30, "paris", "orin")])
        #expect(Set(CohortDraw(candidates: list, size: 1, seed: 1, step: 1).strata).count == 1)
        #expect(Set(CohortDraw(candidates: list, size: 2, seed: 1, step: 1).strata).count == 2)
    }

    @Test("everyone is equally likely to be drawn")
    func fairness() {
        let list = candidates([(30, "berlin", "orin")])
        var counts = [Int](repeating: 0, count: 30)
        for seed in 0..<1_000 {
            for (index, isDrawn) in CohortDraw(candidates: list, size: 6, seed: UInt64(seed), step: 1).isDrawn
                .enumerated() where isDrawn
            {
                counts[index] += 1
            }
        }
        // 200 expected each with a standard deviation of 12.6: five deviations.
        #expect(counts.allSatisfy { abs($0 - 200) < 64 }, "\(counts)")
    }

    @Test("the strata do not depend on the order of a dictionary")
    func stable() {
        let list = candidates([(25, "a", "x"), (25, "b", "y"), (3, "c", "z"), (3, "d", "w"), (25, "e", "x")])
        let first = CohortDraw(candidates: list, size: 20, seed: 9, step: 1)
        #expect((0..<20).allSatisfy { _ in CohortDraw(candidates: list, size: 20, seed: 9, step: 1) == first })
    }
}

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

    // MARK: - Units

    /// Sites of one, two, three and more devices, every device of another hardware than its neighbour.
    private func sites(_ count: Int) -> [Candidate] {
        (1...count).flatMap { site in
            (0..<site).map {
                Candidate(id: "\(site)-\($0)", site: "s\(site)", hardware: "hw\($0 % 2)", unit: "s\(site)")
            }
        }
    }

    @Test("units are drawn whole, as many as bring the wanted devices on average")
    func wholeUnits() {
        // 8 sites, 36 devices: 10 devices are 2.2 sites on average.
        for seed in 1...30 as ClosedRange<UInt64> {
            let list = sites(8)
            let draw = CohortDraw(candidates: list, size: 10, seed: seed, step: 1)
            let drawn = Set(list.indices.filter { draw.isDrawn[$0] }.map { list[$0].site })
            #expect(drawn.count == 3)
            #expect(list.indices.allSatisfy { draw.isDrawn[$0] == drawn.contains(list[$0].site) })
            #expect(Set(draw.strata) == [0])
        }
    }

    @Test("every set of units is equally likely, whatever their sizes")
    func equallyLikely() {
        var counts: [[String]: Int] = [:]
        for seed in 1...2_000 as ClosedRange<UInt64> {
            let list = sites(4)
            let draw = CohortDraw(candidates: list, size: 5, seed: seed, step: 1)
            counts[Set(list.indices.filter { draw.isDrawn[$0] }.map { list[$0].site }).sorted(), default: 0] += 1
        }
        // Six pairs, 333 each with a standard deviation of 17: four deviations.
        #expect(counts.count == 6 && counts.values.allSatisfy { abs($0 - 333) < 68 })
    }

    @Test("devices without a unit are drawn one by one beside the units")
    func ownUnits() {
        let list = sites(2) + (0..<7).map { Candidate(id: "single-\($0)", site: "s9") }
        let draw = CohortDraw(candidates: list, size: 9, seed: 3, step: 1)
        // Nine units, ten devices: nine devices are all but one unit.
        #expect(draw.isDrawn[1] == draw.isDrawn[2])
        #expect(draw.isDrawn.count { !$0 } <= 2 && draw.isDrawn.contains(false))
    }

    @Test("strata are of units, by what all devices of each have in common")
    func strataOfUnits() {
        let list = (0..<50).flatMap { site in
            (0..<3).map {
                Candidate(
                    id: "\(site)-\($0)", site: "s\(site)", hardware: site < 30 ? "orin" : "nano", unit: "s\(site)")
            }
        }
        let draw = CohortDraw(candidates: list, size: 30, seed: 3, step: 1)
        #expect(Set(draw.strata).count == 2)
        #expect(draw.isDrawn[..<90].count { $0 } == 18 && draw.isDrawn[90...].count { $0 } == 12)
    }

    @Test(
        "a step for everybody leaves a tenth of all devices, at least twenty, at most half of its list",
        arguments: [(1_000, 500, 100), (1_000, 120, 60), (1_000, 1, 1), (100, 50, 20), (45, 23, 12), (3, 3, 2)])
    func comparison(devices: Int, listed: Int, left: Int) {
        #expect(CohortDraw.comparison(of: devices, listed: listed) == left)
    }

    // MARK: - History

    /// So many devices of one site, of which the first has no failure in its history, the second one, and so on.
    private func growing(_ count: Int, unknown: Set<Int> = []) -> [Candidate] {
        (0..<count).map { index in
            Candidate(
                id: "\(index)", site: "berlin",
                history: unknown.contains(index) ? Tally() : Tally(count: 1_000, total: Double(index)))
        }
    }

    @Test("no draw takes only devices that seldom fail: every part of the list gives its share")
    func bands() {
        for seed in 1...20 as ClosedRange<UInt64> {
            let draw = CohortDraw(candidates: growing(160), size: 16, seed: seed, step: 1)
            #expect(draw.strata == (0..<160).map { $0 / 40 })
            for part in 0..<4 { #expect(draw.isDrawn[part * 40..<part * 40 + 40].count { $0 } == 4) }
        }
    }

    @Test(
        "as many parts as give each arm two devices, at most sixteen",
        arguments: [(160, 5, 2), (160, 155, 2), (160, 3, 1), (2_000, 500, 16)])
    func numberOfBands(devices: Int, size: Int, bands: Int) {
        let draw = CohortDraw(candidates: growing(devices), size: size, seed: 1, step: 1)
        #expect(Set(draw.strata).count == bands)
    }

    @Test("a device without history counts as a middling one; where nobody differs there are no parts")
    func unknownHistory() {
        let strata = CohortDraw(candidates: growing(160, unknown: [0]), size: 80, seed: 1, step: 1).strata
        #expect(strata[0] == 1 || strata[0] == 2)
        let alike = growing(160).map { Candidate(id: $0.id, site: $0.site, history: Tally(count: 10, total: 1)) }
        #expect(Set(CohortDraw(candidates: alike, size: 80, seed: 1, step: 1).strata) == [0])
    }
}

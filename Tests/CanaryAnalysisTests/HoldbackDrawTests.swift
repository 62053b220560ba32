import Testing

@testable import CanaryAnalysis

@Suite struct HoldbackDrawTests {
    private func candidates(_ count: Int) -> [Candidate] {
        (0..<count).map { Candidate(id: "d\(1000 + $0)", site: $0 % 2 == 0 ? "berlin" : "rome") }
    }

    private func drawn(_ left: Int, of devices: Int, share: Double, level: Double, seed: UInt64 = 7) -> HoldbackDraw? {
        HoldbackDraw(candidates: candidates(left), of: devices, share: share, level: level, seed: seed, step: 5)
    }

    @Test("the policy's share of all devices stays behind, where a test over so few can decide")
    func wanted() throws {
        let draw = try #require(drawn(50, of: 1_000, share: 0.02, level: 0.001))
        #expect(draw.held == 20 && draw.isHeld.count == 50)
    }

    @Test("a holdback that could never decide is raised until one over the number of its draws is at most the level")
    func raised() throws {
        // One of 30 and 2 of 30 (435 draws) cannot reach 0.001, 3 of 30 (4060) can.
        #expect(drawn(30, of: 100, share: 0.01, level: 0.001)?.held == 3)
        #expect(drawn(30, of: 100, share: 0.01, level: 1.0 / 435)?.held == 2)
        #expect(drawn(30, of: 100, share: 0.01, level: 0.99 / 435)?.held == 3)
    }

    @Test("there is none where no bearable one could decide, and where the policy wants none")
    func none() {
        #expect(drawn(5, of: 100, share: 0.02, level: 0.001) == nil, "5 of 5 have 10 draws at most")
        #expect(drawn(12, of: 20, share: 0.02, level: 0.001) == nil, "it would take 4 of 20")
        #expect(drawn(12, of: 20, share: 0.2, level: 0.01) != nil, "the policy itself asks for 4")
        #expect(drawn(500, of: 1_000, share: 0, level: 0.001) == nil)
        #expect(drawn(1, of: 24, share: 0.02, level: 0.5) == nil)
        #expect(drawn(0, of: 24, share: 0.02, level: 0.5) == nil)
    }

    @Test("the number told beforehand is that of the draw, where one stratum holds all")
    func told() {
        for (left, devices, share, level) in [
            (50, 1_000, 0.02, 0.001), (30, 100, 0.01, 0.001), (12, 20, 0.02, 0.001), (12, 20, 0.2, 0.01),
            (1, 24, 0.02, 0.5), (500, 1_000, 0, 0.001),
        ] {
            let held = HoldbackDraw.held(listed: left, units: left, of: devices, share: share, level: level)
            #expect(held == drawn(left, of: devices, share: share, level: level)?.held, "\(left) of \(devices)")
        }
        // Twelve sites of ten: one of twelve is too few draws, two are 66.
        #expect(HoldbackDraw.held(listed: 120, units: 12, of: 1_200, share: 0.002, level: 1.0 / 60) == 11)
    }

    @Test("everybody is as likely to stay behind as anybody else, and the last by name are not")
    func fair() {
        var counts = [Int](repeating: 0, count: 20)
        let runs = 2_000
        for seed in 0..<UInt64(runs) {
            guard let draw = drawn(20, of: 200, share: 0.02, level: 0.01, seed: seed) else { continue }
            for place in draw.isHeld.indices where draw.isHeld[place] { counts[place] += 1 }
        }
        // 4 of 20: each in a fifth of the runs, five standard deviations of a binomial count apart at most.
        let expected = Double(runs) / 5
        #expect(counts.allSatisfy { abs(Double($0) - expected) < 5 * (expected * 0.8).squareRoot() })
    }
}

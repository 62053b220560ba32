import Testing

@testable import CanaryAnalysis

@Suite struct RotatedOrdersTests {
    /// 600 units in strata of 100, 200 and 300 with 10, 10 and 60 members.
    private static let strata = (0..<600).map { $0 < 100 ? 0 : $0 < 300 ? 1 : 2 }
    private static let isMember = (0..<600).map { $0 < 10 || (100..<110).contains($0) || (300..<360).contains($0) }

    private static let orders = RotatedOrders(
        isMember: isMember, groups: CohortDraw.members(of: strata),
        plan: RotatedOrders.Plan(units: 600, wanted: 10_000), seed: 5)

    private func sums(_ score: (Int) -> Int64) -> [Int64] {
        Self.orders.sums(of: (0..<600).map { SIMD8(repeating: score($0)) }).map { $0[3] }
    }

    @Test("the first is the observed one")
    func observed() {
        #expect(Self.orders.count >= 10_001)
        #expect(sums { Self.isMember[$0] ? 1 : 0 }[0] == 80)
        #expect(sums { Int64($0 * $0) }[0] == (0..<600).filter { Self.isMember[$0] }.reduce(0) { $0 + Int64($1 * $1) })
    }

    @Test("every assignment takes as many of each stratum as were drawn")
    func sizes() {
        #expect(sums { Self.strata[$0] == 0 ? 1 : 0 }.allSatisfy { $0 == 10 })
        #expect(sums { Self.strata[$0] == 1 ? 1 : 0 }.allSatisfy { $0 == 10 })
        #expect(sums { Self.strata[$0] == 2 ? 1 : 0 }.allSatisfy { $0 == 60 })
    }

    @Test("every unit is taken as often as its stratum says")
    func uniform() {
        // The observed members are looked at no more often than others, within five standard deviations of counting
        // 10,100 dependent draws (100 independent orders).
        for unit in [0, 50, 150, 250, 310, 500] {
            let taken = sums { $0 == unit ? 1 : 0 }.dropFirst().reduce(0, +)
            let share = Double(taken) / Double(Self.orders.count - 1)
            let wanted = unit < 100 ? 0.1 : unit < 300 ? 0.05 : 0.2
            #expect(abs(share - wanted) < 5 * (wanted * (1 - wanted) / 1_000).squareRoot(), "\(unit): \(share)")
        }
    }

    @Test("lists that are small or have few members are looked at one by one")
    func choice() {
        #expect(!RotatedOrders.Plan(units: 400, wanted: 10_000).isCheaper(than: 1_000_000, strata: 1))
        #expect(RotatedOrders.Plan(units: 1_000, wanted: 10_000).isCheaper(than: 500_000, strata: 1))
        #expect(!RotatedOrders.Plan(units: 1_000, wanted: 10_000).isCheaper(than: 500_000, strata: 40))
        #expect(!RotatedOrders.Plan(units: 1_000, wanted: 10_000).isCheaper(than: 50_000, strata: 1))
    }
}

import FleetSimulation
import Testing

@testable import CanaryAnalysis

@Suite struct SequentialTestTests {
    private let spending = Spending(share: 0.01, deadlineTicks: 150, watchTicks: 1_000)

    @Test("spending grows with every tick and ends at the share")
    func grows() {
        let spent = (1...1_000).map { spending.spent(by: $0) }
        #expect(zip(spent, spent.dropFirst()).allSatisfy { $0 < $1 })
        #expect(abs((spent.last ?? 0) - 0.01) < 1e-15)
        #expect(abs(spending.spent(by: 5_000) - 0.01) < 1e-15)
    }

    /// Source: the formula by hand with Python's `math.log1p`.
    @Test(
        "spending follows its formula",
        arguments: [(1, 4.909_5e-4), (10, 2.765_6e-3), (150, 8.3e-3)])
    func formula(tick: Int, spent: Double) {
        #expect(abs(spending.spent(by: tick) / spent - 1) < 1e-3)
    }

    @Test("nothing is spent before the first tick, and then what is due by then")
    func firstTick() {
        var late = spending
        late.firstTick = 10
        #expect(late.spent(by: 9) == 0)
        #expect(late.spent(by: 10) == spending.spent(by: 10))
    }

    private func test(of count: Int, share: Double) -> SequentialTest {
        SequentialTest(
            assignments: count, spending: Spending(share: share, deadlineTicks: 1, watchTicks: 1))
    }

    @Test("exactly as many cross as may, the largest first")
    func crossing() {
        var test = test(of: 100, share: 0.05)
        #expect(test.look((0..<100).map(Double.init), tick: 1) == 94)
        #expect(test.crossedAt == nil)
        var other = self.test(of: 100, share: 0.05)
        _ = other.look((0..<100).map { 100 - Double($0) }, tick: 1)
        #expect(other.crossedAt == 1)
    }

    @Test("who crossed does not cross again, and its place is not given away")
    func once() {
        var test = test(of: 100, share: 0.05)
        _ = test.look((0..<100).map(Double.init), tick: 1)
        _ = test.look((0..<100).map { 100 - Double($0) }, tick: 2)
        #expect(test.crossedAt == nil)
    }

    @Test("a tie at the bound does not cross")
    func ties() {
        var test = test(of: 100, share: 0.05)
        _ = test.look([Double](repeating: 3, count: 100), tick: 1)
        #expect(test.crossedAt == nil)
        _ = test.look((0..<100).map { $0 < 6 ? 5 : 3 }, tick: 2)
        #expect(test.crossedAt == nil)
        _ = test.look((0..<100).map { $0 < 5 ? 5 : 3 }, tick: 3)
        #expect(test.crossedAt == 3)
    }

    @Test("too few assignments can never cross", arguments: [(8, true), (199, true), (200, false), (10_001, false)])
    func tooFew(count: Int, isHopeless: Bool) {
        #expect(test(of: count, share: 0.005).canNeverCross == isHopeless)
    }

    @Test("under exchangeability the observed one crosses as often as its share says")
    func size() {
        var crossed = 0
        for seed in 0..<2_000 {
            var random = Chance(seed: UInt64(seed), stream: 9)
            var test = SequentialTest(
                assignments: 100, spending: Spending(share: 0.1, deadlineTicks: 5, watchTicks: 5))
            for tick in 1...5 { _ = test.look((0..<100).map { _ in random.uniform() }, tick: tick) }
            if test.crossedAt != nil { crossed += 1 }
        }
        // 200 expected with a standard deviation of 13.4.
        #expect((145...255).contains(crossed), "\(crossed)")
    }
}

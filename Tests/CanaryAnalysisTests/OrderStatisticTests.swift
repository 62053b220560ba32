import FleetSimulation
import Testing

@testable import CanaryAnalysis

@Suite struct OrderStatisticTests {
    @Test("every place of arrays with and without ties is that of the sorted array")
    func places() {
        var random = Chance(seed: 3, stream: 1)
        for length in 1...60 {
            for ties in [2, 7, 1_000_000] {
                let values = (0..<length).map { _ in Int(random.next() % UInt64(ties)) }
                let sorted = values.sorted()
                for place in values.indices {
                    #expect(OrderStatistic.value(at: place, of: values) == sorted[place])
                }
            }
        }
    }

    @Test("sorted, reversed and constant arrays are no trouble")
    func patterns() {
        let ascending = Array(0..<1_000)
        #expect(OrderStatistic.value(at: 617, of: ascending) == 617)
        #expect(OrderStatistic.value(at: 617, of: ascending.reversed()) == 617)
        #expect(OrderStatistic.value(at: 617, of: [Int](repeating: 4, count: 1_000)) == 4)
    }
}

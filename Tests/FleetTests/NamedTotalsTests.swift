import Fleet
import Foundation
import Testing

@Suite struct NamedTotalsTests {
    private func totals(_ factor: UInt64) -> RuntimeTotals {
        var totals = RuntimeTotals(requests: 10 * factor)
        totals.answers = 9 * factor
        totals.classes = ["cat": 5 * factor]
        totals.shares = ["accuracy": ShareTotals(of: 4 * factor, counted: 3 * factor)]
        totals.means = ["score": MeanTotals(count: 2 * factor, above: Double(factor), below: 0.5 * Double(factor))]
        return totals
    }

    @Test("named totals are merged number by number, whatever the order")
    func merging() {
        #expect(totals(1).maximum(totals(3)) == totals(3))
        #expect(totals(3).maximum(totals(1)) == totals(3))
        #expect(totals(1).adding(totals(2)) == totals(3))
        #expect(totals(3).subtracting(totals(1)) == totals(2))
        #expect(totals(1).subtracting(totals(3)).isZero)
        #expect(!totals(1).isZero && totals(1).namedCount == 3)
    }

    @Test("what only one side names is kept")
    func oneSided() {
        var other = RuntimeTotals()
        other.classes = ["dog": 7]
        other.means = ["load": MeanTotals(value: -3)]
        let sum = totals(1).adding(other)
        #expect(sum.classes == ["cat": 5, "dog": 7])
        #expect(sum.means["load"]?.mean == -3 && sum.means["score"]?.sum == 0.5)
    }

    @Test("a mean that changes its sign has two sums that never fall, and the larger totals are the later ones")
    func signs() {
        var mean = MeanTotals()
        var last = mean
        for value in [2.0, -5, 1, -0.5] {
            let one = MeanTotals(value: value)
            mean = MeanTotals(count: mean.count + 1, above: mean.above + one.above, below: mean.below + one.below)
            var (older, newer) = (RuntimeTotals(), RuntimeTotals())
            older.means = ["m": last]
            newer.means = ["m": mean]
            #expect(older.maximum(newer) == newer && newer.maximum(older) == newer)
            last = mean
        }
        #expect(mean.sum == -2.5 && mean.count == 4)
    }

    @Test("named totals are written as short lists, and only where there are any")
    func written() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = String(decoding: try encoder.encode(totals(1)), as: UTF8.self)
        #expect(text.contains(#""accuracy":[4,3]"#) && text.contains(#""score":[2,1,0.5]"#))
        #expect(try JSONDecoder().decode(RuntimeTotals.self, from: Data(text.utf8)) == totals(1))
        let plain = String(decoding: try encoder.encode(RuntimeTotals(requests: 1)), as: UTF8.self)
        #expect(plain == #"{"failures":{},"latencyBuckets":[],"latencySumMicroseconds":0,"requests":1}"#)
    }

    @Test("sums below zero are refused", arguments: ["[1,-1]", "[1,1,-1]", "[1]", "[-1,1]"])
    func refused(json: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(MeanTotals.self, from: Data(json.utf8)) }
    }

    @Test("names are plain, short, and not those that mean something else")
    func names() {
        for name in ["confidence", "memory_bytes", "x1"] { #expect(MeasurementName.isFree(name)) }
        let long = String(repeating: "a", count: 49)
        let refused = ["", "1x", "Memory", "a-b", "failures", "latency_p50", "silence", long]
        for name in refused { #expect(!MeasurementName.isFree(name)) }
        #expect(MeasurementName.isClass("a cat"))
        for name in ["", "kätzchen", "two\nlines", long] { #expect(!MeasurementName.isClass(name)) }
    }
}

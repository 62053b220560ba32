import Fleet
import PrometheusExposition
import Testing

@testable import DeviceAgent

@Suite struct MeasuredProcessTests {
    private let digest: Digest

    init() throws {
        digest = try #require(Digest(bytes: Array(repeating: 1, count: 32)))
    }

    private func reading(_ sum: Double, count: UInt64 = 1) -> RuntimeReading {
        var reading = RuntimeReading()
        reading.means = ["score": .init(count: count, sum: sum)]
        return reading
    }

    @Test("a sum that falls and rises becomes two sums that never fall and say the same")
    func signedSum() {
        var process = MeasuredProcess()
        var last = MeanTotals()
        for sum in [3.0, 1, -4, -2, 6, 5.5] {
            let totals = process.totals(of: reading(sum), version: digest, served: digest)
            let mean = totals.means["score"] ?? MeanTotals()
            #expect(abs(mean.sum - sum) < 1e-6)
            #expect(mean.above >= last.above && mean.below >= last.below)
            last = mean
        }
    }

    @Test("a gauge counts once at each sample, for the version that serves, and starts anew with a new series")
    func gauges() throws {
        let other = try #require(Digest(bytes: Array(repeating: 2, count: 32)))
        var process = MeasuredProcess()
        process.sample(["memory_bytes": 100], on: digest)
        process.sample(["memory_bytes": 300], on: digest)
        let totals = process.totals(of: RuntimeReading(), version: digest, served: digest)
        #expect(totals.means == ["memory_bytes": MeanTotals(count: 2, above: 400)])
        #expect(process.totals(of: RuntimeReading(), version: other, served: other).means.isEmpty)
        process.seriesBegan()
        #expect(process.totals(of: RuntimeReading(), version: digest, served: digest).means.isEmpty)
    }

    @Test("sixteen named metrics travel: means and shares before classes, and what has travelled before what has not")
    func limit() {
        var totals = RuntimeTotals()
        for index in 10..<30 { totals.classes["\(index)"] = 1 }
        totals.means = ["zeal": MeanTotals(value: 1), "Bad name": MeanTotals(value: 1)]
        totals.shares = ["accuracy": ShareTotals(of: 1, counted: 1)]
        let (kept, refused) = totals.limited(knownFrom: RuntimeTotals())
        #expect(kept.namedCount == MeasurementName.limit)
        #expect(kept.means.keys.sorted() == ["zeal"] && kept.shares.count == 1)
        #expect(kept.classes.keys.sorted() == (10..<24).map { "\($0)" })
        #expect(refused == ["Bad name"] + (24..<30).map { "class:\($0)" })

        var later = totals
        later.means["another"] = MeanTotals(value: 1)
        let (still, news) = later.limited(knownFrom: kept)
        #expect(still.classes == kept.classes && still.means == kept.means)
        #expect(news.contains("another"))
    }
}

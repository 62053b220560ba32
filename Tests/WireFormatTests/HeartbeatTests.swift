import Fleet
import Foundation
import Testing
import WireFormat

@Suite struct HeartbeatTests {
    private func digest(_ byte: UInt8) throws -> Digest {
        try #require(Digest(bytes: Array(repeating: byte, count: 32)))
    }

    /// Totals as large as years of traffic make them.
    private var totals: RuntimeTotals {
        var totals = RuntimeTotals(
            requests: 9_999_999_999, failures: ["timeout": 99_999_999, "runtime_error": 99_999_999],
            latencyBuckets: Array(repeating: 99_999_999, count: 12), latencySumMicroseconds: 99_999_999_999_999)
        totals.answers = 9_999_999_999
        for name in 0..<5 { totals.classes["\(name)"] = 99_999_999 }
        totals.means["confidence"] = MeanTotals(count: 99_999_999, above: 99_999_999.123456)
        totals.means["memory_bytes"] = MeanTotals(count: 9_999_999, above: 9_999_999_999_999_000)
        return totals
    }

    private func full() throws -> Heartbeat {
        let model = try ModelName("object_detector_warehouse_north")
        let series = RuntimeSeries(model: model, digest: try digest(0xAB), start: 1_767_225_600_000)
        return Heartbeat(
            boot: 1_767_225_600_000, sequence: 9_999_999, sentAt: 1_767_225_630_000, assignment: 99_999,
            slots: [
                SlotStatus(
                    model: model, digest: try digest(0xAB), step: "download", healthy: true, crashes: 99_999,
                    failedStarts: 99_999)
            ],
            series: [SeriesReport(series: series, totals: totals, gaps: 99_999)], updatingUntil: 1_767_226_230_000,
            problems: ["disk_full"])
    }

    @Test("a full heartbeat of one model takes at most 1 KB")
    func size() throws {
        let bytes = try JSONEncoder().encode(try full())
        #expect(bytes.count <= 1024)
    }

    @Test("a usual heartbeat with ten classes, confidence, memory and temperature takes at most 1 KB")
    func usualSize() throws {
        var heartbeat = try full()
        var totals = RuntimeTotals(
            requests: 99_999_999, failures: ["invalid": 999_999],
            latencyBuckets: Array(repeating: 999_999, count: 12), latencySumMicroseconds: 9_999_999_999)
        totals.answers = 99_999_999
        for name in 0..<10 { totals.classes["\(name)"] = 9_999_999 }
        totals.means["confidence"] = MeanTotals(count: 99_999_999, above: 9_999_999.123456)
        totals.means["memory_bytes"] = MeanTotals(count: 99_999, above: 99_999_999_999_999)
        totals.means["temperature_celsius"] = MeanTotals(count: 99_999, above: 9_999_999.5)
        heartbeat.series[0].totals = totals
        #expect(try JSONEncoder().encode(heartbeat).count <= 1024)
    }

    @Test("a heartbeat reads back what it writes, with everything in it and with nothing")
    func roundTrip() throws {
        var rich = try full()
        rich.series[0].base = totals
        for heartbeat in [rich, Heartbeat(boot: 1, sequence: 1, sentAt: 1, assignment: 0)] {
            let bytes = try JSONEncoder().encode(heartbeat)
            #expect(try JSONDecoder().decode(Heartbeat.self, from: bytes) == heartbeat)
        }
    }

    @Test("the names of the fields are part of the API")
    func fields() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var heartbeat = Heartbeat(boot: 1, sequence: 2, sentAt: 3, assignment: 4, problems: ["disk_full"])
        heartbeat.slots = [SlotStatus(model: try ModelName("m"), digest: nil, healthy: false)]
        #expect(
            String(decoding: try encoder.encode(heartbeat), as: UTF8.self)
                == #"{"assignment":4,"boot":1,"problems":["disk_full"],"sentAt":3,"sequence":2,"series":[],"#
                + #""slots":[{"crashes":0,"failedStarts":0,"healthy":false,"model":"m"}]}"#)
    }

    @Test(
        "a heartbeat with a field missing or of another kind is refused",
        arguments: [
            "{}", #"{"boot":1,"sequence":-1,"sentAt":1,"assignment":0,"slots":[],"series":[],"problems":[]}"#,
            #"{"boot":1,"sequence":1,"sentAt":1,"assignment":0,"slots":[{"model":"a b"}],"series":[],"problems":[]}"#,
            #"{"boot":"1","sequence":1,"sentAt":1,"assignment":0,"slots":[],"series":[],"problems":[]}"#,
        ])
    func refused(json: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Heartbeat.self, from: Data(json.utf8)) }
    }

    @Test("a report of a series names its series")
    func series() throws {
        let series = RuntimeSeries(model: try ModelName("m"), digest: try digest(1), start: 5)
        #expect(SeriesReport(series: series, totals: RuntimeTotals()).series == series)
    }

    @Test("a reply and a history read back what they write")
    func others() throws {
        func check<Value: Codable & Equatable>(_ value: Value) throws {
            #expect(try JSONDecoder().decode(Value.self, from: try JSONEncoder().encode(value)) == value)
        }
        try check(HeartbeatReply(committedThrough: 7, assignment: 8, intervalSeconds: 2.5, wantsBase: true, now: 9))
        let series = RuntimeSeries(model: try ModelName("m"), digest: try digest(1), start: 5)
        try check(HistoryUpload(series: series, points: [.init(at: 1, totals: totals), .init(at: 2, totals: totals)]))
    }
}

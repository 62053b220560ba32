import Testing

@testable import PrometheusExposition

@Suite struct ExpositionWriterTests {
    private let failures = CounterFamily(
        "edgeorch_failures_total", [MetricLabel("reason")], help: "All \\ \"failures\".")
    private let wait = HistogramFamily(
        "edgeorch_wait_seconds", [MetricLabel("model")], help: "Waits.", bounds: [0.5, 1])
    private let devices = GaugeFamily("edgeorch_devices", [MetricLabel("site")], help: "Devices.")
    private let silent = GaugeFamily("edgeorch_silent", help: "Never set.")

    private func render(_ format: ExpositionFormat) throws -> String {
        let families = [failures.family, wait.family, devices.family, silent.family]
        let registry = MetricRegistry(catalogue: try MetricCatalogue(sections: [.init("All", families)]))
        let exemplar = try #require(Exemplar(["device_id": "d\"7"]))
        registry.counter(failures, ["b"]).add(2)
        registry.counter(failures, ["a"]).add(1, exemplar: exemplar)
        registry.histogram(wait, ["digits"]).addBuckets(counts: [2, 1, 1], sum: 4.25)
        let bytes = registry.render(format) { snapshot in
            snapshot.gauge(devices, ["k\u{0}öln\n\"\\"], 0.5)
            snapshot.gauge(devices, ["berlin"], 24)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("the classic text is complete on its own")
    func text() throws {
        #expect(
            try render(.text) == #"""
                # HELP edgeorch_failures_total All \\ "failures".
                # TYPE edgeorch_failures_total counter
                edgeorch_failures_total{reason="a"} 1
                edgeorch_failures_total{reason="b"} 2
                # HELP edgeorch_wait_seconds Waits.
                # TYPE edgeorch_wait_seconds histogram
                edgeorch_wait_seconds_bucket{model="digits",le="0.5"} 2
                edgeorch_wait_seconds_bucket{model="digits",le="1.0"} 3
                edgeorch_wait_seconds_bucket{model="digits",le="+Inf"} 4
                edgeorch_wait_seconds_sum{model="digits"} 4.25
                edgeorch_wait_seconds_count{model="digits"} 4
                # HELP edgeorch_devices Devices.
                # TYPE edgeorch_devices gauge
                edgeorch_devices{site="berlin"} 24
                edgeorch_devices{site="k\#u{FFFD}öln\n\"\\"} 0.5

                """#)
    }

    @Test("OpenMetrics adds units, exemplars and its end, and nothing else")
    func openMetrics() throws {
        #expect(
            try render(.openMetrics) == #"""
                # HELP edgeorch_failures All \\ \"failures\".
                # TYPE edgeorch_failures counter
                edgeorch_failures_total{reason="a"} 1 # {device_id="d\"7"} 1
                edgeorch_failures_total{reason="b"} 2
                # HELP edgeorch_wait_seconds Waits.
                # TYPE edgeorch_wait_seconds histogram
                # UNIT edgeorch_wait_seconds seconds
                edgeorch_wait_seconds_bucket{model="digits",le="0.5"} 2
                edgeorch_wait_seconds_bucket{model="digits",le="1.0"} 3
                edgeorch_wait_seconds_bucket{model="digits",le="+Inf"} 4
                edgeorch_wait_seconds_sum{model="digits"} 4.25
                edgeorch_wait_seconds_count{model="digits"} 4
                # HELP edgeorch_devices Devices.
                # TYPE edgeorch_devices gauge
                edgeorch_devices{site="berlin"} 24
                edgeorch_devices{site="k\#u{FFFD}öln\n\"\\"} 0.5
                # EOF

                """#)
    }

    @Test(
        "numbers are written as both formats read them",
        arguments: [
            (0, "0"), (-0.0, "0"), (24, "24"), (0.5, "0.5"), (1_732_413_979.123, "1732413979.123"), (1e300, "1e+300"),
            (-7, "-7"), (.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
        ] as [(Double, String)])
    func numbers(value: Double, text: String) {
        #expect(ExpositionWriter.number(value) == text)
    }

    @Test("a hostile label value stays one short line")
    func hostileValues() {
        let text = LabelText.make([.reason], [String(repeating: "\r\u{1B}\n", count: 1_000)])
        #expect(text.unicodeScalars.count < 200)
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 })
    }

    @Test("an exemplar beyond 128 characters is refused")
    func longExemplar() {
        #expect(Exemplar(["device_id": String(repeating: "x", count: 119)]) != nil)
        #expect(Exemplar(["device_id": String(repeating: "x", count: 120)]) == nil)
        #expect(Exemplar(["device_id": "x"], value: .nan) == nil)
    }
}

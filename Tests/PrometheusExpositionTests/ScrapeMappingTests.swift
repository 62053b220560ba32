import Foundation
import Testing

@testable import PrometheusExposition

@Suite struct ScrapeMappingTests {
    private func read(_ mapping: ScrapeMapping, _ text: String, version: String? = nil) throws -> RuntimeReading {
        try mapping.read(try PrometheusTextParser().parse(Array(text.utf8)), version: version)
    }

    private let examples = """
        inference_requests_total{version="v1"} 100
        inference_requests_total{version="v2"} 7
        inference_failures_total{version="v1",reason="invalid"} 3
        inference_failures_total{version="v1",reason="timeout"} 1
        inference_failures_total{version="v2",reason="invalid"} 2
        inference_duration_seconds_bucket{version="v1",le="0.001"} 10
        inference_duration_seconds_bucket{version="v1",le="0.0025"} 20
        inference_duration_seconds_bucket{version="v1",le="1.0"} 90
        inference_duration_seconds_bucket{version="v1",le="+Inf"} 100
        inference_duration_seconds_sum{version="v1"} 12.5
        inference_duration_seconds_count{version="v1"} 100
        inference_confidence_sum{version="v1"} 88.5
        inference_confidence_count{version="v1"} 97
        """

    @Test("the examples' runtime is read for one version")
    func oneVersion() throws {
        let reading = try read(.examples, examples, version: "v1")
        #expect(reading.requests == 100)
        #expect(reading.failuresByReason == ["invalid": 3, "timeout": 1])
        #expect(reading.durationBuckets == [10, 20, 20, 20, 20, 20, 20, 20, 20, 90, 90, 100])
        #expect(reading.durationCounts == [10, 10, 0, 0, 0, 0, 0, 0, 0, 70, 0, 10])
        #expect(reading.durationSum == 12.5)
        #expect(reading.means == ["confidence": .init(count: 97, sum: 88.5)])
        #expect(reading.classes.isEmpty && reading.shares.isEmpty && reading.gauges.isEmpty)
    }

    @Test("without a version all versions add up")
    func allVersions() throws {
        let reading = try read(.examples, examples)
        #expect(reading.requests == 107)
        #expect(reading.failuresByReason == ["invalid": 5, "timeout": 1])
    }

    @Test("a runtime that shows nothing yet reads as zero, and says so")
    func nothingYet() throws {
        #expect(try read(.examples, "", version: "v1") == RuntimeReading())
        #expect(try read(.examples, examples, version: "v9").requestSamples == 0)
    }

    @Test("Triton's requests are successes and failures, its latency a sum of microseconds")
    func triton() throws {
        let reading = try read(
            .triton,
            """
            nv_inference_request_success{model="digits",version="1"} 161
            nv_inference_request_failure{model="digits",reason="BACKEND",version="1"} 4
            nv_inference_request_failure{model="digits",reason="OTHER",version="1"} 0
            nv_inference_request_success{model="digits",version="2"} 1000
            nv_inference_request_duration_us{model="digits",version="1"} 11110000
            """, version: "1")
        #expect(reading.requests == 165)
        #expect(reading.failuresByReason == ["BACKEND": 4, "OTHER": 0])
        #expect(abs(reading.durationSum - 11.11) < 1e-9)
        #expect(reading.durationBuckets.isEmpty)
    }

    @Test("Triton before reasons existed still counts failures")
    func tritonWithoutReasons() throws {
        let reading = try read(.triton, "nv_inference_request_failure{model=\"digits\",version=\"1\"} 4")
        #expect(reading.failuresByReason == ["failed": 4])
    }

    @Test("KServe's predictions are its requests")
    func kserve() throws {
        let reading = try read(
            .kserve,
            """
            request_predict_seconds_bucket{le="0.005",model_name="digits"} 3.0
            request_predict_seconds_bucket{le="0.075",model_name="digits"} 8.0
            request_predict_seconds_bucket{le="10.0",model_name="digits"} 9.0
            request_predict_seconds_bucket{le="+Inf",model_name="digits"} 9.0
            request_predict_seconds_count{model_name="digits"} 9.0
            request_predict_seconds_sum{model_name="digits"} 3.5
            request_predict_seconds_created{model_name="digits"} 1.7e+09
            """, version: "v1")
        #expect(reading.requests == 9)
        #expect(reading.durationBuckets == [0, 0, 3, 3, 3, 3, 8, 8, 8, 8, 8, 9])
    }

    @Test("TorchServe's failures are the server errors of the process, whatever the version")
    func torchServe() throws {
        let reading = try read(
            .torchServe,
            """
            ts_inference_requests_total{model_name="digits",model_version="1.0",hostname="edge",} 52.0
            ts_inference_latency_microseconds{model_name="digits",model_version="1.0",hostname="edge",} 5484021.5
            Requests5XX{Level="Host",Hostname="edge",} 2.0
            """, version: "1.0")
        #expect(reading.requests == 52)
        #expect(reading.failuresByReason == ["http_5xx": 2])
        #expect(abs(reading.durationSum - 5.4840215) < 1e-9)
    }

    @Test(
        "what cannot be a running total is refused by name",
        arguments: ["-1", "NaN", "+Inf", "1e300"])
    func noTotals(value: String) throws {
        let error = try #require(throws: ScrapeMappingError.self) {
            try read(.examples, "inference_requests_total \(value)")
        }
        #expect(error.description.contains("inference_requests_total"))
    }

    @Test("labels narrow a source, and milliseconds meet the shared bounds")
    func customMapping() throws {
        let mapping = ScrapeMapping(
            requests: [.init("calls", labels: ["kind": "predict"])],
            duration: .init(.init("call_ms", labels: ["kind": "predict"]), secondsPerUnit: 0.001))
        let reading = try read(
            mapping,
            """
            calls{kind="predict"} 5
            calls{kind="health"} 500
            call_ms_bucket{kind="predict",le="5"} 4
            call_ms_bucket{kind="health",le="5"} 400
            call_ms_bucket{kind="predict",le="+Inf"} 5
            call_ms_sum{kind="predict"} 12
            """)
        #expect(reading.requests == 5)
        #expect(reading.durationBuckets == [0, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5])
        #expect(reading.durationSum == 0.012)
    }

    @Test("a mapping is configured with as little as its requests")
    func configuration() throws {
        let text = #"{"requests":["calls"],"failures":[{"source":{"name":"errors"}}],"duration":{"source":"call"}}"#
        let mapping = try JSONDecoder().decode(ScrapeMapping.self, from: Data(text.utf8))
        #expect(
            mapping
                == ScrapeMapping(
                    requests: [.init("calls")], failures: [.init(.init("errors"))], duration: .init(.init("call"))))
    }

    @Test("each ready-made mapping survives encoding", arguments: ScrapeMapping.readyMade.keys.sorted())
    func roundTrip(name: String) throws {
        let mapping = try #require(ScrapeMapping.readyMade[name])
        let data = try JSONEncoder().encode(mapping)
        #expect(try JSONDecoder().decode(ScrapeMapping.self, from: data) == mapping)
    }
}

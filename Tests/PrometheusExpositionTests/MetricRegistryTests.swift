import Testing

@testable import PrometheusExposition

@Suite struct MetricRegistryTests {
    private let requests = CounterFamily(
        "edgeorch_requests_total", [MetricLabel("model"), MetricLabel("arm", known: ["canary", "stable"])],
        help: "Requests.", labelSetLimit: 3)
    private let duration = HistogramFamily("edgeorch_wait_seconds", help: "Waits.", bounds: [0.5, 1])
    private let devices = GaugeFamily("edgeorch_devices", [MetricLabel("site")], help: "Devices.", labelSetLimit: 2)

    private func registry() throws -> MetricRegistry {
        let families = [
            requests.family, duration.family, devices.family, CounterFamily.droppedLabelSets.family,
        ]
        return MetricRegistry(catalogue: try MetricCatalogue(sections: [.init("All", families)]))
    }

    private func text(_ registry: MetricRegistry, collecting: (inout MetricSnapshot) -> Void = { _ in }) -> String {
        String(decoding: registry.render(.text, collecting: collecting), as: UTF8.self)
    }

    @Test("label sets known in advance stand at zero from the start, others once their open labels are given")
    func zeroes() throws {
        let registry = try registry()
        #expect(text(registry).contains("edgeorch_wait_seconds_count 0\n"))
        #expect(!text(registry).contains("edgeorch_requests_total{"))
        registry.zeroInitialise(given: ["model": "digits"])
        #expect(text(registry).contains("edgeorch_requests_total{model=\"digits\",arm=\"canary\"} 0\n"))
        #expect(text(registry).contains("edgeorch_requests_total{model=\"digits\",arm=\"stable\"} 0\n"))
    }

    @Test("a transition from a state to itself is not among the zeroes")
    func transitions() {
        let text = text(MetricRegistry())
        #expect(text.contains("transitions_total{from_state=\"online\",to_state=\"suspect\"} 0\n"))
        #expect(!text.contains("from_state=\"online\",to_state=\"online\""))
    }

    @Test("the same label values give the same series")
    func identity() throws {
        let registry = try registry()
        registry.counter(requests, ["digits", "canary"]).add(2)
        registry.counter(requests, ["digits", "canary"]).add(3)
        #expect(registry.counter(requests, ["digits", "canary"]).value == 5)
    }

    @Test("beyond the limit label sets fold into other, keeping what was known, and are counted")
    func folding() throws {
        let registry = try registry()
        for model in ["a", "b", "c", "d", "e"] {
            registry.counter(requests, [model, "canary"]).add(10)
        }
        let text = text(registry)
        #expect(text.contains("edgeorch_requests_total{model=\"other\",arm=\"canary\"} 20\n"))
        #expect(!text.contains("model=\"d\""))
        #expect(text.contains("edgeorch_metrics_dropped_label_sets_total{metric=\"edgeorch_requests_total\"} 2\n"))
    }

    @Test("gauges beyond the limit are left out and counted in the same scrape")
    func gaugeLimit() throws {
        let text = text(try registry()) { snapshot in
            for site in ["c", "a", "b"] { snapshot.gauge(devices, [site], 1) }
        }
        #expect(text.contains("edgeorch_devices{site=\"a\"} 1\nedgeorch_devices{site=\"b\"} 1\n"))
        #expect(!text.contains("site=\"c\""))
        #expect(text.contains("dropped_label_sets_total{metric=\"edgeorch_devices\"} 1\n"))
    }

    @Test("a retired series is gone, says so, and starts anew at zero")
    func retirement() throws {
        let registry = try registry()
        let canary = registry.counter(requests, ["digits", "canary"])
        canary.add(7)
        registry.counter(requests, ["faces", "canary"]).add(1)
        #expect(registry.retire(["model": "digits"]) == 1)
        #expect(canary.isRetired)
        #expect(!text(registry).contains("digits"))
        #expect(text(registry).contains("faces"))
        #expect(registry.counter(requests, ["digits", "canary"]).value == 0)
        #expect(registry.retire([:]) == 0)
        #expect(registry.retire(["device": "x"]) == 0)
    }

    @Test("additions from many tasks at once are all counted")
    func concurrency() async throws {
        let registry = try registry()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask { [requests, duration] in
                    for _ in 0..<10_000 {
                        registry.counter(requests, ["m\(task % 2)", "canary"]).add()
                        registry.histogram(duration).observe(0.5)
                    }
                }
            }
        }
        #expect(registry.counter(requests, ["m0", "canary"]).value == 40_000)
        #expect(registry.histogram(duration).count == 80_000)
        #expect(registry.histogram(duration).sum == 40_000)
    }

    @Test("a histogram takes odd observations without a falling sum")
    func oddObservations() throws {
        let histogram = try registry().histogram(duration)
        for value in [-3, .nan, .infinity, 0.5, 0.75, 9] { histogram.observe(value) }
        #expect(histogram.current.counts == [2, 1, 1])
        #expect(histogram.sum == 10.25)
    }

    @Test("bucket counts of devices are added, with the surplus in the last bucket")
    func buckets() throws {
        let histogram = try registry().histogram(duration)
        histogram.addBuckets(counts: [1, 2, 3, 4], sum: 5)
        histogram.addBuckets(counts: [1], sum: .nan)
        #expect(histogram.current.counts == [2, 2, 7])
        #expect(histogram.sum == 5)
    }

    @Test("where a gauge is given twice the last value counts")
    func lastGaugeCounts() throws {
        let text = text(try registry()) { snapshot in
            snapshot.gauge(devices, ["a"], 1)
            snapshot.gauge(devices, ["a"], 2)
        }
        #expect(text.contains("edgeorch_devices{site=\"a\"} 2\n"))
        #expect(!text.contains("edgeorch_devices{site=\"a\"} 1\n"))
    }

    @Test("a wrong number of label values stops a build with assertions")
    func wrongLabelCount() async {
        await #expect(processExitsWith: .failure) {
            _ = MetricRegistry().counter(.inferenceRequests, ["digits"])
        }
    }
}

import Testing

@testable import PrometheusExposition

@Suite struct ExpositionTests {
    private let filled = FilledRegistry()

    private func samples(_ format: ExpositionFormat) throws -> [PrometheusSample] {
        try PrometheusTextParser().parse(filled.render(format))
    }

    @Test("both formats show the same series, and each series once")
    func sameSeries() throws {
        let text = try samples(.text)
        #expect(text == (try samples(.openMetrics)))
        #expect(Set(text.map { "\($0.name)\($0.labels.sorted { $0.key < $1.key })" }).count == text.count)
    }

    @Test("a busy controller stays within 5,000 series and 500 KB")
    func budget() throws {
        let count = try samples(.text).count
        #expect(count > 2_000 && count <= 5_000, "\(count) series")
        #expect(filled.render(.text).count <= 500_000)
    }

    @Test("there are no creation times, and each line is a sample with a value and nothing behind it")
    func plainLines() {
        let lines = String(decoding: filled.render(.text), as: UTF8.self).split(separator: "\n")
        for line in lines where !line.hasPrefix("#") {
            #expect(!line.contains("_created"))
            #expect(line.split(separator: " ").count == 2, "\(line)")
        }
    }

    @Test("buckets rise to the count of all observations")
    func buckets() throws {
        let digits = try samples(.text).filter {
            $0.name.hasPrefix("edgeorch_inference_duration_seconds") && $0.labels["model"] == "model-0"
                && $0.labels["model_version"] == "v1.0.0" && $0.labels["arm"] == "canary"
        }
        let buckets = digits.filter { $0.name.hasSuffix("_bucket") }
        #expect(buckets.map { $0.labels["le"] } == LatencyBounds.seconds.map { "\($0)" } + ["+Inf"])
        #expect(buckets.map(\.value) == [1, 3, 6, 46, 51, 51, 51, 51, 51, 51, 51, 51])
        #expect(digits.last?.value == 51)
    }

    @Test("every state of a rollout is shown and exactly one holds")
    func states() throws {
        let states = try samples(.text).filter {
            $0.name == "edgeorch_rollout_state" && $0.labels["rollout"] == "model-1-2"
        }
        #expect(states.count == 9)
        #expect(states.filter { $0.value == 1 }.map { $0.labels["state"] } == ["holding"])
    }

    @Test("the collected CPU time replaces no counted value and is absent when it is not collected")
    func collectedCounter() throws {
        #expect(try samples(.text).filter { $0.name == "process_cpu_seconds_total" }.map(\.value) == [12.5])
        let bare = String(decoding: MetricRegistry().render(.text) { _ in }, as: UTF8.self)
        #expect(!bare.contains("process_cpu"))
    }
}

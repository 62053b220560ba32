import Foundation
import Testing

@testable import PrometheusExposition

@Suite struct ScrapeMappingNamedTests {
    private func read(_ mapping: ScrapeMapping, _ text: String, version: String? = nil) throws -> RuntimeReading {
        try mapping.read(try PrometheusTextParser().parse(Array(text.utf8)), version: version)
    }

    private let page = """
        inference_requests_total{version="v1"} 100
        inference_answers_total{version="v1",class="cat"} 60
        inference_answers_total{version="v1",class="dog"} 37
        inference_answers_total{version="v2",class="dog"} 5
        inference_answers_total{version="v1"} 3
        inference_empty_answers_total{version="v1"} 4
        inference_labelled_total{version="v1",correct="true"} 18
        inference_labelled_total{version="v1",correct="false"} 2
        inference_confidence_sum{version="v1"} 88.5
        inference_confidence_count{version="v1"} 97
        """

    @Test("a labelled counter counts classes, and all of them are the answers; a sample without the label is none")
    func classes() throws {
        let reading = try read(.examples, page, version: "v1")
        #expect(reading.classes == ["cat": 60, "dog": 37])
        #expect(reading.answers == 97)
    }

    @Test("a share is of its own counter where it names one, and of all requests where it does not")
    func shares() throws {
        let reading = try read(.examples, page, version: "v1")
        #expect(reading.shares["empty_answers"] == .init(of: 100, counted: 4))
        #expect(reading.shares["accuracy"] == .init(of: 20, counted: 18))
    }

    @Test("labels that all turn out wrong are an accuracy of nothing, and no labels are no accuracy")
    func lateLabels() throws {
        let none = try read(.examples, "inference_requests_total 9")
        #expect(none.shares.isEmpty)
        let wrong = try read(.examples, "inference_labelled_total{correct=\"false\"} 2")
        #expect(wrong.shares == ["accuracy": .init(of: 2, counted: 0)])
    }

    @Test("a mean may be negative and a gauge is a value of the moment; what is no number is no value")
    func means() throws {
        let mapping = ScrapeMapping(
            requests: [.init("calls")],
            means: [
                .init("score", sum: .init("score_sum"), count: .init("score_count")),
                .init("memory_bytes", gauge: .init("heap_bytes")), .init("load", gauge: .init("load")),
            ])
        let reading = try read(
            mapping,
            """
            score_sum -2.5
            score_count 10
            heap_bytes{pool="a"} 5
            heap_bytes{pool="b"} 7
            load NaN
            """)
        #expect(reading.means == ["score": .init(count: 10, sum: -2.5)])
        #expect(reading.gauges == ["memory_bytes": 12])
        #expect(throws: ScrapeMappingError.self) { try read(mapping, "score_count 1\nscore_sum NaN") }
    }

    @Test("everything named is configured in a file")
    func configuration() throws {
        let text = """
            {"requests": ["calls"], "classes": {"source": "answers", "label": "class"},
             "shares": [{"name": "empty_answers", "counted": ["empty"]}],
             "means": [{"name": "confidence", "sum": "c_sum", "count": "c_count"}, {"name": "load", "gauge": "load"}]}
            """
        let mapping = try JSONDecoder().decode(ScrapeMapping.self, from: Data(text.utf8))
        #expect(
            mapping
                == ScrapeMapping(
                    requests: [.init("calls")], classes: .init(.init("answers"), label: "class"),
                    shares: [.init("empty_answers", counted: [.init("empty")])],
                    means: [
                        .init("confidence", sum: .init("c_sum"), count: .init("c_count")),
                        .init("load", gauge: .init("load")),
                    ]))
        #expect(mapping.faults { _ in true }.isEmpty)
    }

    @Test("a mapping's faults are told at once: names that are taken or used twice, and means without a source")
    func faults() throws {
        var half = ScrapeMapping.MeanSource("half", gauge: .init("a"))
        half.gauge = nil
        half.sum = .init("b")
        var both = ScrapeMapping.MeanSource("both", gauge: .init("a"))
        both.sum = .init("b")
        both.count = .init("c")
        let mapping = ScrapeMapping(
            requests: [], shares: [.init("failures", counted: []), .init("twice", counted: [])],
            means: [half, both, .init("twice", gauge: .init("a"))])
        let faults = mapping.faults { $0 != "failures" }
        #expect(faults.count == 4)
        for name in ["failures", "half", "both", "twice"] { #expect(faults.contains { $0.contains(name) }) }
    }
}

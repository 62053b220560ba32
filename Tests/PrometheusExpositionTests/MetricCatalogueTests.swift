import Testing

@testable import PrometheusExposition

@Suite struct MetricCatalogueTests {
    @Test("the standard catalogue follows every convention")
    func standardIsValid() throws {
        let checked = try MetricCatalogue(sections: MetricCatalogue.standard.sections)
        #expect(checked.families.count == 85)
    }

    @Test("a name is given once, with and without _total")
    func repetition() {
        let families = [
            MetricFamily("edgeorch_beats_total", .counter, help: "B."),
            MetricFamily("edgeorch_beats", .gauge, help: "B."),
        ]
        #expect(throws: InvalidMetricFamily(name: "edgeorch_beats", fault: "the name is taken")) {
            try MetricCatalogue(sections: [.init("Beats", families)])
        }
    }

    @Test("only gauges carry rollout ids, and nothing carries device ids")
    func idsAreBounded() {
        for family in MetricCatalogue.standard.families {
            let names = family.labels.map(\.name)
            #expect(family.type == .gauge || !names.contains("rollout"), "\(family.name)")
            #expect(!names.contains { $0.contains("device") || $0 == "path" }, "\(family.name)")
        }
    }

    @Test("a failure counter has a counter of the whole with the same labels beside it")
    func failuresHaveTotals() {
        let names = Set(MetricCatalogue.standard.families.map(\.name))
        #expect(names.isSuperset(of: ["edgeorch_inference_requests_total", "edgeorch_inference_failures_total"]))
        #expect(
            !MetricCatalogue.standard.families.contains {
                $0.labels.contains { ["result", "success"].contains($0.name) }
            })
    }

    @Test("JSON lines hold one object per family")
    func jsonLines() {
        let lines = MetricCatalogue.standard.jsonLines.split(separator: "\n")
        #expect(lines.count == MetricCatalogue.standard.families.count)
        #expect(
            lines.contains(
                #"{"section":"Canary evidence","name":"edgeorch_canary_evaluations_total","type":"counter","#
                    + #""unit":null,"labels":[{"name":"model","known":null},{"name":"verdict","#
                    + #""known":["pass","fail","undecided","nodata"]}],"bounds":[],"#
                    + #""help":"Canary evaluations by overall verdict."}"#))
    }
}

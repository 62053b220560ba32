import Testing

@testable import PrometheusExposition

@Suite struct MetricFamilyTests {
    @Test(
        "a declaration that breaks a convention is refused with the rule",
        arguments: [
            (MetricFamily("edgeorch_Devices", .gauge, help: "D."), "lower case"),
            (MetricFamily("edgeorch__devices", .gauge, help: "D."), "single underscores"),
            (MetricFamily("devices", .gauge, help: "D."), "edgeorch_ or process_"),
            (MetricFamily("edgeorch_devices_total", .gauge, help: "D."), "_total"),
            (MetricFamily("edgeorch_devices", .counter, help: "D."), "_total"),
            (MetricFamily("edgeorch_devices_created", .gauge, help: "D."), "_created"),
            (MetricFamily("edgeorch_report_age_seconds", .gauge, help: "D."), "_age_seconds"),
            (MetricFamily("edgeorch_devices", .gauge, labels: [MetricLabel("job")], help: "D."), "target's"),
            (MetricFamily("edgeorch_devices", .gauge, labels: [MetricLabel("a-b")], help: "D."), "snake case"),
            (MetricFamily("edgeorch_devices", .gauge, labels: [.model, .model], help: "D."), "twice"),
            (
                MetricFamily("edgeorch_devices", .gauge, labels: [MetricLabel("a", known: ["x", "x"])], help: "D."),
                "repeat"
            ),
            (MetricFamily("edgeorch_d_seconds", .histogram, help: "D."), "bounds"),
            (MetricFamily("edgeorch_d_seconds", .histogram, help: "D.", bounds: [1, 1]), "does not exceed"),
            (MetricFamily("edgeorch_d_seconds", .histogram, help: "D.", bounds: [0.00001]), "0.0001"),
            (MetricFamily("edgeorch_devices", .gauge, help: "D.", bounds: [1]), "nothing else has"),
            (MetricFamily("edgeorch_devices", .gauge, help: "No period"), "period"),
            (MetricFamily("edgeorch_devices", .gauge, help: "D.", labelSetLimit: 0), "at least one"),
        ])
    func refusal(family: MetricFamily, rule: String) throws {
        let error = try #require(throws: InvalidMetricFamily.self) { try family.validate() }
        #expect(error.description.contains(rule))
        #expect(error.description.contains(family.name))
    }

    @Test(
        "the unit is what ends the name",
        arguments: [
            ("edgeorch_d_seconds", MetricType.gauge, "seconds"), ("edgeorch_d_bytes_total", .counter, "bytes"),
            ("edgeorch_d_ratio", .gauge, "ratio"), ("edgeorch_d_per_second", .gauge, nil),
            ("edgeorch_d_total", .counter, nil),
        ] as [(String, MetricType, String?)])
    func unit(name: String, type: MetricType, unit: String?) {
        #expect(MetricFamily(name, type, help: "D.").unit == unit)
    }
}

import CanaryAnalysis
import RecordedFleets
import Testing

@testable import edgectl

/// Policies of recordings come from many hands.
@Suite struct TracePolicyReaderTests {
    private func read(_ text: String) throws -> (policy: RecordedPolicy, warnings: [String]) {
        var reader = TracePolicyReader(file: "policy.yaml")
        let policy = try reader.read(text)
        return (policy, reader.warnings)
    }

    private func fault(_ text: String) throws -> String {
        try #require(#expect(throws: ManifestFault.self) { try read(text) }).description
    }

    @Test(
        "what is not given has the product's default", arguments: ["", "# nothing\n", "kind: Policy\nname: a\n", "---"])
    func defaults(text: String) throws {
        let (policy, warnings) = try read(text)
        #expect(policy == RecordedPolicy() && warnings == [])
    }

    @Test(
        "every spelling of the figures is read",
        arguments: [
            "errorBudget: 0.02\nheartbeatSeconds: 10\nsoakSeconds: 120\ndeadlineSeconds: 7200\nwatchSeconds: 3600\n"
                + "updateSeconds: 90\nsteps: [5%, 50%, 100%]",
            "error_budget: 2%\ntick_seconds: 10\nsoak_seconds: 120\ndeadline_seconds: 7200\nwatch_seconds: 3600\n"
                + "update_seconds: 90\nsteps: 3",
            "budget: 2 %\ntick: 10s\nsoak: 2m\ndeadline: 2h\nwatch: 60 min\nupdate: 90s\nplanned_steps: 3",
            "kind: Policy\nname: a\nspec:\n  errorBudget: 2%\n  heartbeat: 10000ms\n  soak: 2m\n  deadline: 2 hours\n"
                + "  watch: 1h\n  update: 1.5m\n  steps: [1 device, 2 devices, 100%]",
            #"{"budget": 0.02, "tick": 10, "soak": 120, "deadline": "7200", "watch": 3600, "update": 90, "steps": 3}"#,
            "kind: Deployment\nname: b\n---\nkind: Policy\nbudget: 2%\ntick: 10\nsoak: 120\ndeadline: 2h\nwatch: 1h\n"
                + "update: 90\nsteps: 3",
        ])
    func figures(text: String) throws {
        let (policy, warnings) = try read(text)
        var expected = RecordedPolicy()
        (expected.errorBudget, expected.tickSeconds, expected.soakSeconds) = (0.02, 10, 120)
        (expected.deadlineSeconds, expected.watchSeconds, expected.updateSeconds) = (7_200, 3_600, 90)
        expected.plannedSteps = 3
        #expect(policy == expected && warnings == [])
    }

    @Test("the unit is a label's name, or single devices", arguments: [("site", "site"), ("device", nil), ("''", nil)])
    func unit(text: String, label: String?) throws {
        let (policy, warnings) = try read("unit: \(text)")
        #expect(policy.unitLabel == label && warnings == [])
    }

    @Test(
        "every spelling of what is tolerated of failures is read",
        arguments: [
            "tolerances: 1.5", "tolerance: 1.5", "margin: 1.5", "tolerances: 50%", "relative_tolerance: 1.5",
            "tolerances: {failures: 1.5}", "tolerances: {failures: {relative: 1.5}}", "tolerances: {relative: 1.5}",
            "margins:\n  failures:\n    ratio: 1.5", "metrics: [{name: failures, relativeTolerance: 1.5}]",
            "metrics: [{name: failures, tolerance: 1.5}]", "metrics: [{metric: failures, margin: {relative: 1.5}}]",
            "metrics: {failures: {relative_tolerance: 1.5}}", "metrics: {failures: 1.5}",
        ])
    func tolerances(text: String) throws {
        let (policy, warnings) = try read(text)
        #expect(policy.metrics == [MetricPolicy(name: "failures", relativeTolerance: 1.5)] && warnings == [])
    }

    @Test("metrics are named with all their fields, and one with a tolerance is guarded")
    func metrics() throws {
        let text = """
            metrics:
              - failures
              - {name: latency, mode: watch, relativeTolerance: 1.3, limit: 0.2, onFail: halt, onNoData: ignore}
              - {name: heat, harm: either, absolute_tolerance: 2.5}
            tolerances: {confidence: {absolute: 1%}, heat: 1.2}
            """
        let expected = [
            MetricPolicy(name: "failures"),
            MetricPolicy(
                name: "latency", mode: .watch, relativeTolerance: 1.3, limit: 0.2, onFail: .halt, onNoData: .ignore),
            MetricPolicy(name: "heat", harm: .either, relativeTolerance: 1.2, absoluteTolerance: 2.5),
            MetricPolicy(name: "confidence", absoluteTolerance: 0.01),
        ]
        let (policy, warnings) = try read(text)
        #expect(policy.metrics == expected && warnings == [])
    }

    @Test("a field that nobody knows is a warning with its line")
    func unknown() throws {
        let (policy, warnings) = try read("budget: 1%\ncolour: red\nmetrics:\n  - name: failures\n    weight: 3\n")
        #expect(policy == RecordedPolicy())
        #expect(
            warnings == [
                "policy.yaml:2: field colour is unknown; it is left out",
                "policy.yaml:5: field weight is unknown; it is left out",
            ])
    }

    @Test(
        "a value that makes no sense is refused by its line",
        arguments: [
            ("soak: 10m\nbudget: much", 2, "budget \"much\": write a share"), ("budget: 0", 1, "write a share"),
            ("budget: 50%", 1, "0.2"), ("tick: 0", 1, "write a time"), ("tick: 10 parsecs", 1, "write a time"),
            ("deadline: [1]", 1, "write a time"), ("tolerances: 0.25", 1, "write a ratio"),
            ("tolerances:\n  failures: wide", 2, "write a ratio"),
            ("tolerances:\n  failures: {absolute: -1}", 2, "at least 0"),
            ("tolerances: {failures: {colour: 1}}", 0, ""),
            ("metrics:\n  - mode: guard", 2, "no name"),
            ("metrics:\n  - {name: a, mode: sometimes}", 2, "guard, watch"),
            ("metrics: 3", 1, "mapping"), ("steps: 0", 1, "1 to 20"), ("steps: []", 1, "1 to 20"),
            ("seed: -1", 1, "whole number"), ("[1, 2]", 1, "mapping of fields"), ("a: [", 2, "not YAML"),
            ("a: 1\na: 2", 1, "twice"), ("spec: 3", 1, "mapping of fields"),
        ])
    func refused(text: String, line: Int, words: String) throws {
        guard line > 0 else {
            #expect(try !read(text).warnings.isEmpty)
            return
        }
        let fault = try fault(text)
        #expect(fault.hasPrefix("policy.yaml:\(line): ") && fault.contains(words), "\(fault)")
    }

    @Test("whatever stands in a policy, it is read or refused")
    func anything() {
        let text = Array("budget: 1%\ntick: 30s\ntolerances: {failures: {relative: 1.5}}\nmetrics:\n - name: a\n".utf8)
        let signs = Array("{}[]:,-&*!|>'\"%@ \n\t0e9".utf8)
        var state: UInt64 = 7
        func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        for _ in 0..<2_000 {
            var bytes = text
            for _ in 0...below(4) {
                let place = below(bytes.count)
                if below(2) == 0 { bytes[place] = signs[below(signs.count)] } else { bytes.remove(at: place) }
            }
            do {
                let policy = try read(String(decoding: bytes, as: UTF8.self)).policy
                #expect(policy.tickSeconds > 0 && policy.errorBudget > 0)
            } catch {
                #expect(error is ManifestFault)
            }
        }
    }
}

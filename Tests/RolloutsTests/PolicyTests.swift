import CanaryAnalysis
import Fleet
import Foundation
import Rollouts
import Testing

@Suite struct PolicyTests {
    private func policy() throws -> Policy { Policy(name: try PolicyName("p")) }

    private func decoded(_ json: String) throws -> Policy {
        try JSONDecoder().decode(Policy.self, from: Data(json.utf8))
    }

    /// One way to break a policy and the field that must be named.
    struct Fault: Sendable, CustomTestStringConvertible {
        let field: String
        let title: String
        let change: @Sendable (inout Policy) -> Void

        var testDescription: String { "\(field) \(title)" }

        init(_ field: String, _ title: String, _ change: @escaping @Sendable (inout Policy) -> Void) {
            self.field = field
            self.title = title
            self.change = change
        }
    }

    private static let faults: [Fault] = [
        Fault("steps", "none") { $0.steps = [] },
        Fault("steps", "21") { $0.steps = Array(repeating: .percent(5), count: 21) },
        Fault("heartbeatSeconds", "0.5") { $0.heartbeatSeconds = 0.5 },
        Fault("heartbeatSeconds", "601") { $0.heartbeatSeconds = 601 },
        Fault("heartbeatSeconds", "not a number") { $0.heartbeatSeconds = .nan },
        Fault("soakSeconds", "negative") { $0.soakSeconds = -1 },
        Fault("soakSeconds", "8 days") { change in
            change.soakSeconds = 691_200
            change.deadlineSeconds = 700_000
        },
        Fault("deadlineSeconds", "equal to the soak") { $0.deadlineSeconds = $0.soakSeconds },
        Fault("deadlineSeconds", "31 days") { $0.deadlineSeconds = 2_678_400 },
        Fault("errorBudget", "0") { $0.errorBudget = 0 },
        Fault("errorBudget", "0.21") { $0.errorBudget = 0.21 },
        Fault("noDataSeconds", "29") { $0.noDataSeconds = 29 },
        Fault("noDataSeconds", "over a day") { $0.noDataSeconds = 86_401 },
        Fault("watchSeconds", "negative") { $0.watchSeconds = -1 },
        Fault("watchSeconds", "over 30 days") { $0.watchSeconds = 2_592_001 },
        Fault("holdbackShare", "0.6") { $0.holdbackShare = 0.6 },
        Fault("holdbackShare", "negative") { $0.holdbackShare = -0.1 },
        Fault("updateSeconds", "9") { $0.updateSeconds = 9 },
        Fault("updateSeconds", "1801") { $0.updateSeconds = 1801 },
        Fault("concurrentUpdates", "0") { $0.concurrentUpdates = 0 },
        Fault("concurrentUpdates", "100001") { $0.concurrentUpdates = 100_001 },
        Fault("unit", "empty") { $0.unit = "" },
        Fault("unit", "no label's name") { $0.unit = "two words" },
        Fault("metrics[0].name", "empty") { $0.metrics[0].name = "" },
        Fault("metrics[0].relativeTolerance", "below 1") { $0.metrics[0].relativeTolerance = 0.9 },
        Fault("metrics[0].absoluteTolerance", "above 1") { $0.metrics[0].absoluteTolerance = 1.1 },
        Fault("metrics[0].limit", "above 1") { $0.metrics[0].limit = 1.5 },
        Fault("metrics[0].limit", "negative") { $0.metrics[0].limit = -0.1 },
        Fault("metrics[0].name", "a capital letter") { $0.metrics[0].name = "Latency" },
        Fault("metrics[0].name", "an event") { $0.metrics[0].name = "silence" },
        Fault("metrics[0].name", "a class without a name") { $0.metrics[0].name = "class:" },
        Fault("metrics[0].absoluteTolerance", "a share's above 1") { change in
            change.metrics = [MetricPolicy(name: "class:cat", absoluteTolerance: 1.5)]
        },
        Fault("metrics[0].absoluteTolerance", "a mean's below 0") { change in
            change.metrics = [MetricPolicy(name: "memory_bytes", absoluteTolerance: -1)]
        },
        Fault("metrics[0].limit", "a mean's that is no number") { change in
            change.metrics = [MetricPolicy(name: "memory_bytes", limit: .nan)]
        },
        Fault("metrics", "21") { change in
            change.metrics = (1...21).map { MetricPolicy(name: "metric_\($0)") }
        },
        Fault("metrics[1].name", "named twice") { $0.metrics.append(MetricPolicy(name: "failures")) },
    ]

    @Test("each bound of each field is checked, and the fault names the field and a remedy", arguments: faults)
    func fault(_ fault: Fault) throws {
        var policy = try policy()
        fault.change(&policy)
        #expect(policy.faults.map(\.field) == [fault.field])
        #expect(policy.faults.allSatisfy { !$0.remedy.isEmpty && !$0.remedy.hasSuffix(".") })
    }

    @Test("the product's defaults have no fault, and all faults are told at once")
    func defaults() throws {
        #expect(try policy().faults.isEmpty)
        var policy = try policy()
        policy.errorBudget = 1
        policy.steps = []
        #expect(policy.faults.map(\.field) == ["steps", "errorBudget"])
    }

    @Test(
        "every kind of metric can be named, and a mean's numbers may be large",
        arguments: [
            MetricPolicy(name: "latency"), MetricPolicy(name: "latency_p99"), MetricPolicy(name: "empty_answers"),
            MetricPolicy(name: "accuracy", limit: 0.8), MetricPolicy(name: "class:a cat", onFail: .halt),
            MetricPolicy(name: "confidence", onNoData: .ignore),
            MetricPolicy(name: "memory_bytes", absoluteTolerance: 1e8, limit: 4e9),
        ])
    func metrics(metric: MetricPolicy) throws {
        var policy = try policy()
        policy.metrics = [metric]
        policy.dryRun = true
        #expect(policy.faults.isEmpty)
        let text = String(decoding: try JSONEncoder().encode(policy), as: UTF8.self)
        #expect(try decoded(text) == policy)
    }

    @Test("fields that are left out have the product's defaults, metrics' fields too")
    func leftOut() throws {
        #expect(try decoded(#"{"name": "p"}"#) == policy())
        let short = try decoded(#"{"name": "p", "steps": ["1 device"], "metrics": [{"name": "accuracy"}]}"#)
        #expect(short.metrics == [MetricPolicy(name: "accuracy")])
        #expect(short.steps == [.devices(1)])
        #expect(short.soakSeconds == 600)
        #expect(short.unitLabel == nil)
        #expect(try decoded(#"{"name": "p", "unit": "site"}"#).unitLabel == "site")
    }

    @Test("a policy reads back what it writes")
    func roundTrip() throws {
        var policy = try policy()
        policy.steps = [.devices(3), .percent(12.5), .percent(100)]
        policy.onDeadline = .rollback
        policy.unit = "example.com/rack"
        policy.metrics = [MetricPolicy(name: "failures", mode: .watch, limit: 0.5)]
        let text = String(decoding: try JSONEncoder().encode(policy), as: UTF8.self)
        #expect(try decoded(text) == policy)
    }

    @Test(
        "a policy with a value of another kind is refused",
        arguments: [
            "{}", #"{"name": "p", "steps": ["half"]}"#, #"{"name": "p", "onDeadline": "promote"}"#,
            #"{"name": "p", "metrics": [{"mode": "guard"}]}"#, #"{"name": "p", "errorBudget": "low"}"#,
        ])
    func refused(json: String) {
        #expect(throws: DecodingError.self) { try decoded(json) }
    }

    @Test("whether a list is too small is the same asked of its numbers and of any draw of half of it")
    func tooSmall() throws {
        var policy = try policy()
        policy.smallFleetDevices = 0
        var (small, large) = (0, 0)
        for devices in 4...60 {
            for (sites, budget) in [(1, 0.01), (2, 0.2), (2, 0.0001), (3, 0.0001), (60, 0.001)] {
                policy.errorBudget = budget
                let candidates = (0..<devices).map {
                    Candidate(
                        id: "d\($0)", site: "s\($0 % sites)",
                        history: Tally(count: 100, total: Double(($0 * 7_919) % devices)))
                }
                let draw = CohortDraw(candidates: candidates, size: devices / 2, seed: 3, step: 1)
                let experiment = StepExperiment(
                    seed: 5, step: 1, tickSeconds: 30,
                    devices: candidates.indices.map {
                        ExperimentDevice(
                            id: candidates[$0].id, stratum: draw.strata[$0], isCanary: draw.isDrawn[$0], labels: [:],
                            history: [candidates[$0].history])
                    },
                    metrics: [MetricPlan(name: "failures", margin: .relative(1.25))],
                    plan: policy.testPlan(step: 1, isAfterProof: false))
                let isTooSmall = policy.isTooSmall(devices: devices, units: devices)
                #expect(isTooSmall == !experiment.canDecide, "\(devices) devices, \(sites) sites, budget \(budget)")
                if isTooSmall { small += 1 } else { large += 1 }
            }
        }
        #expect(small > 20 && large > 200)
    }

    @Test("a retry that has less to spend needs a larger list")
    func tooSmallForLess() throws {
        var policy = try policy()
        policy.smallFleetDevices = 0
        // Five of ten are 252 ways, six of twelve 924; a first step has 0.45 of the budget.
        #expect(!policy.isTooSmall(devices: 10, units: 10))
        #expect(policy.isTooSmall(devices: 10, units: 10, budget: 0.0025))
        #expect(!policy.isTooSmall(devices: 12, units: 12, budget: 0.0025))
    }
}

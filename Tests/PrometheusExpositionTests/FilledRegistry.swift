@testable import PrometheusExposition

/// A registry and a snapshot as large as a busy controller's: 20 models, 5 active rollouts, 2 versions.
struct FilledRegistry {
    let registry = MetricRegistry()
    private let models = (0..<20).map { "model-\($0)" }
    private let rolling = 5

    init() {
        for (index, model) in models.enumerated() {
            registry.zeroInitialise(given: ["model": model])
            for version in index < rolling ? ["v1.0.0", "v2.0.0"] : ["v1.0.0"] {
                for arm in index < rolling ? ["canary", "baseline", "stable"] : ["stable"] {
                    count(model, version, arm)
                }
            }
        }
        for route in 0..<15 {
            registry.histogram(.httpRequestDuration, ["/v1/route-\(route)"]).observe(0.003)
            for code in ["200", "400", "401", "500"] {
                registry.counter(.httpRequests, ["/v1/route-\(route)", "GET", code]).add(3)
            }
        }
    }

    func render(_ format: ExpositionFormat) -> [UInt8] {
        registry.render(format, collecting: collect)
    }

    private func count(_ model: String, _ version: String, _ arm: String) {
        registry.counter(.inferenceRequests, [model, version, arm]).add(1_234_567)
        registry.histogram(.inferenceDuration, [model, version, arm]).addBuckets(counts: [1, 2, 3, 40, 5], sum: 1.5)
        for reason in ["invalid", "timeout", "crash", "input", "memory"] {
            registry.counter(.inferenceFailures, [model, version, arm, reason]).add(17)
        }
    }

    private func collect(_ snapshot: inout MetricSnapshot) {
        for state in MetricLabel.connectivityStates { snapshot.gauge(.devices, [state], 25) }
        for (index, model) in models.enumerated() {
            snapshot.gauge(.modelDriftedDevices, [model], 0)
            for arm in ["canary", "baseline", "stable"] {
                snapshot.gauge(.modelDevices, [model, "v1.0.0", arm], 5)
                snapshot.gauge(.modelTargetDevices, [model, "v1.0.0", arm], 5)
            }
            if index < rolling { rollout(model, &snapshot) }
        }
        snapshot.counter(.processCPU, [], 12.5)
        snapshot.gauge(.buildInfo, ["0.1.0", "abcdef", "6.3"], 1)
    }

    private func rollout(_ model: String, _ snapshot: inout MetricSnapshot) {
        let rollout = [model, model + "-2"]
        snapshot.gauge(.rolloutInfo, rollout + ["v1.0.0", "v2.0.0", "standard"], 1)
        snapshot.state(.rolloutState, rollout, is: "holding")
        snapshot.gauge(.rolloutHoldSince, rollout + ["undecided"], 1_732_413_979.5)
        for gauge in [GaugeFamily.rolloutStep, .rolloutSteps, .rolloutStepDeadline, .rolloutCanaryWeight] {
            snapshot.gauge(gauge, rollout, 2)
        }
        for metric in ["failures", "latency", "silence", "crashes"] {
            for arm in ["canary", "baseline"] {
                snapshot.gauge(.canaryMetricValue, rollout + [metric, arm], 0.034)
                snapshot.gauge(.canaryObservations, rollout + [metric, arm], 812)
            }
            for gauge in [GaugeFamily.canaryEffect, .canaryEffectLower, .canaryEffectUpper, .canaryEvidence] {
                snapshot.gauge(gauge, rollout + [metric], 1.3)
            }
            snapshot.state(.canaryVerdict, rollout + [metric], is: "undecided")
        }
    }
}

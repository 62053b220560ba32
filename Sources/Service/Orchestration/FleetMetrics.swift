import Fleet
import PrometheusExposition
import Rollouts
import Synchronization
import WireFormat

/// The controller's counters and histograms: what happened, counted once it is committed.
final class FleetMetrics: Sendable {
    private let registry: MetricRegistry
    private let heartbeats: CounterSeries
    private let samples: CounterSeries
    private let lateSamples: CounterSeries
    private let gaps: CounterSeries
    private let delays: HistogramSeries
    private let commits: HistogramSeries
    /// How each device's silence was shown at the last tick.
    private let lastConnectivity = Mutex<[DeviceID: Connectivity]>([:])
    /// Models and versions whose series stand at zero already.
    private let announced = Mutex<Set<[String]>>([])

    init(_ registry: MetricRegistry) {
        self.registry = registry
        heartbeats = registry.counter(.heartbeats)
        samples = registry.counter(.telemetrySamples)
        lateSamples = registry.counter(.telemetryLateSamples)
        gaps = registry.counter(.telemetryGaps)
        delays = registry.histogram(.heartbeatDelay)
        commits = registry.histogram(.commitDuration)
    }

    /// Makes the series of every known model and deployed version, at zero, so that their first event is an increase.
    func announce(_ state: FleetState) {
        var wanted: Set<[String]> = []
        for model in Set(state.versions.values.map(\.model)) { wanted.insert([model.rawValue]) }
        for tracked in state.rollouts.values {
            for version in [tracked.rollout.from, tracked.rollout.to].compactMap({ $0 }) {
                wanted.insert([tracked.rollout.model.rawValue, version.name.rawValue])
            }
        }
        let fresh = announced.withLock { known in
            let fresh = wanted.subtracting(known)
            known.formUnion(fresh)
            return fresh
        }
        for labels in fresh.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            registry.zeroInitialise(
                given: labels.count == 1
                    ? ["model": labels[0]] : ["model": labels[0], "model_version": labels[1]])
        }
    }

    func heartbeat(_ heartbeat: Heartbeat, at now: Timestamp) {
        heartbeats.add()
        samples.add(UInt64(heartbeat.series.count))
        delays.observe(max(0, now.seconds(since: Timestamp(milliseconds: heartbeat.sentAt))))
    }

    /// Counts the devices whose connectivity changed since the last tick.
    func connectivity(_ now: [(DeviceID, Connectivity)]) {
        let changes = lastConnectivity.withLock { last in
            now.compactMap { device, state -> (Connectivity, Connectivity)? in
                let before = last.updateValue(state, forKey: device)
                return before.flatMap { $0 == state ? nil : ($0, state) }
            }
        }
        for (before, after) in changes {
            registry.counter(.deviceStateTransitions, [before.rawValue, after.rawValue]).add()
        }
    }

    func late(_ count: UInt64) {
        lateSamples.add(count)
    }

    /// Counts what is known of the completeness of a device's news.
    func counted(_ news: DeviceNews) {
        late(news.lateSeries)
        gaps.add(news.gaps)
    }

    func committed(seconds: Double) {
        commits.observe(seconds)
    }

    func judged(_ tracked: TrackedRollout, verdict: String, seconds: Double) {
        guard !tracked.rollout.isPlacebo else { return }
        registry.counter(.canaryEvaluations, [tracked.rollout.model.rawValue, verdict]).add()
        registry.histogram(.canaryEvaluationDuration).observe(seconds)
    }

    // MARK: - Retention

    /// Makes the series of retention, at zero.
    func announceRetention() {
        for kind in RetentionKind.allCases {
            _ = registry.counter(.retentionRemoved, [kind.rawValue])
            _ = registry.counter(.retentionRemovedBytes, [kind.rawValue])
            _ = registry.counter(.retentionFailures, [kind.rawValue])
        }
    }

    func removed(_ kind: RetentionKind, count: Int, bytes: UInt64) {
        registry.counter(.retentionRemoved, [kind.rawValue]).add(UInt64(count))
        registry.counter(.retentionRemovedBytes, [kind.rawValue]).add(bytes)
    }

    func retentionFailed(_ kind: RetentionKind) {
        registry.counter(.retentionFailures, [kind.rawValue]).add()
    }

    func overran() {
        registry.counter(.tickOverruns).add()
    }

    /// Counts what devices' runtimes counted.
    func inference(_ counts: RuntimeTotals, model: ModelName, version: String, arm: String) {
        let labels = [model.rawValue, version, arm]
        registry.counter(.inferenceRequests, labels).add(counts.requests)
        for (reason, count) in counts.failures where count > 0 {
            registry.counter(.inferenceFailures, labels + [Self.bounded(reason)]).add(count)
        }
        guard !counts.latencyBuckets.isEmpty else { return }
        registry.histogram(.inferenceDuration, labels).addBuckets(
            counts: counts.latencyBuckets, sum: Double(counts.latencySumMicroseconds) / 1e6)
    }

    func attempt(_ report: AttemptReport) {
        let model = report.model.rawValue
        switch report.outcome {
        case .stepDone:
            registry.counter(.otaStepAttempts, [model, report.step]).add()
            registry.histogram(.otaStepDuration, [report.step]).observe(report.durationSeconds)
        case .failed, .rejected:
            registry.counter(.otaStepAttempts, [model, report.step]).add()
            registry.counter(.otaStepFailures, [model, report.step, Self.bounded(report.reason ?? "unknown")]).add()
            registry.counter(.otaUpdatesCompleted, [model, report.outcome.rawValue]).add()
        case .succeeded, .rolledBack:
            registry.counter(.otaUpdatesCompleted, [model, report.outcome.rawValue]).add()
        }
        if report.transferredBytes > 0 {
            registry.counter(.otaTransferredBytes, ["full"]).add(report.transferredBytes)
        }
    }

    func decided(_ decision: Decision, of rollout: Rollout) {
        guard !rollout.isPlacebo else { return }
        guard !decision.dryRun else {
            registry.counter(
                .rolloutDryRunDecisions, [rollout.model.rawValue, decision.kind.rawValue, decision.cause.rawValue]
            ).add()
            return
        }
        registry.counter(
            .rolloutDecisions, [rollout.model.rawValue, decision.kind.rawValue, decision.cause.rawValue]
        ).add()
        if decision.kind == .rollback || decision.kind == .halt, let exposed = rollout.firstExposedAt {
            registry.histogram(.rolloutDetection).observe(max(0, decision.at.seconds(since: exposed)))
        }
    }

    func ended(_ rollout: Rollout) {
        if let placebo = rollout.placebo {
            guard let outcome = placebo.outcome else { return }
            registry.counter(.placeboRollouts, [rollout.model.rawValue, outcome.rawValue]).add()
            return
        }
        let outcome: String
        switch rollout.state {
        case .rolledBack: outcome = "rolled_back"
        case .superseded: outcome = "superseded"
        case .completed: outcome = "completed"
        case .pending, .progressing, .holding, .halted, .rollingBack, .watching: return
        }
        registry.counter(.rolloutsCompleted, [rollout.model.rawValue, outcome]).add()
        guard let ended = rollout.endedAt else { return }
        registry.histogram(.rolloutDuration, [outcome]).observe(ended.seconds(since: rollout.createdAt))
        if let decided = rollout.rolledBackAt {
            registry.histogram(.rollbackDuration).observe(ended.seconds(since: decided))
        }
    }

    /// A reason as a label: devices name it, so its form is held; the number of values is held by the registry.
    private static func bounded(_ reason: String) -> String {
        let plain = reason.prefix(40).filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        return plain.isEmpty ? "other" : String(plain)
    }
}

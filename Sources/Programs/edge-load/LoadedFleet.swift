import CanaryAnalysis
import Cryptography
import Fleet
import Foundation
import Orchestration
import OrchestratorAPI
import PostgreSQLClient
import PrometheusExposition
import Rollouts
import SQLStore
import Synchronization
import WebMessages
import WireFormat

/// A controller with a fleet of which a few devices are canaries, and the heartbeats of its devices.
final class LoadedFleet {
    private let store: TimedStore
    private let controller: FleetController
    private let api: OrchestratorAPI
    private let clock: LoadClock
    private var devices: [LoadedDevice] = []
    private let policy: Policy

    init(devices count: Int, database: String) throws {
        let clock = LoadClock()
        self.clock = clock
        store = TimedStore(try Self.open(database))
        let model = try ModelName("detector")
        let versions = try (1...2).map { number in
            VersionResource(
                model: model, version: try VersionName("v\(number)"), digest: SHA256().digest(of: [UInt8(number)]),
                releaseCounter: UInt64(number), metadata: [:], files: [], bundle: "{}", publisher: nil,
                createdAt: clock.now(), createdBy: "load")
        }
        try store.commit(versions.map { .version($0) })
        devices = try (0..<count).map { try LoadedDevice(number: $0, model: model, digest: versions[0].digest) }
        let cryptography = try LoadCryptography()
        try store.commit(
            devices.map { device in
                .device(
                    StoredDevice(
                        id: device.id, tokenHash: cryptography.digest(Array(device.token.utf8)), labels: device.labels,
                        enrolledAt: clock.now(), agentVersion: "load"))
            })
        let controller = try FleetController(
            .init(
                store: store, artifacts: NoArtifacts(), cryptography: cryptography, clock: clock,
                metrics: MetricRegistry(), log: QuietLog()))
        self.controller = controller
        api = OrchestratorAPI(
            .init(
                operations: controller,
                submit: {
                    $0(); return true
                }, digest: { cryptography.digest($0) },
                now: { clock.now() }))
        // Neither step nor deadline comes within any measurement: ticks differ by what was heard alone.
        policy = Policy(
            name: try PolicyName("load"), steps: [.devices(10), .percent(100)], soakSeconds: 604_800,
            deadlineSeconds: 2_000_000,
            errorBudget: 0.2, noDataSeconds: 86_400, smallFleetDevices: 0)
        try begin(versions, of: model)
    }

    private static func open(_ database: String) throws -> DatabaseStore {
        guard let address = PostgreSQLAddress(database) else { return try DatabaseStore(sqlite: database) }
        return try DatabaseStore(postgreSQL: address)
    }

    /// The fleet serves the first version, and a rollout of the second compares its first canaries with all others.
    private func begin(_ versions: [VersionResource], of model: ModelName) throws {
        let person = Caller.person(id: "load", name: "load", role: .admin)
        _ = try controller.apply(policy, dryRun: false, by: person)
        for version in versions {
            let deployment = Deployment(
                name: try DeploymentName("load"), selector: .everything, model: model, version: version.version,
                policy: policy.name)
            _ = try controller.apply(deployment, dryRun: false, by: person)
            for _ in 0..<3 {
                try beat(devices: devices.count, times: 1)
                _ = try tick()
            }
        }
        for index in devices.indices {
            let slot = try controller.device(devices[index].id).slots.first
            if let digest = slot?.assigned?.digest { devices[index].serve(digest) }
        }
        // What follows from the canaries' change is behind them before anything is counted.
        for _ in 0..<2 {
            try beat(devices: devices.count, times: 1)
            _ = try tick()
        }
    }

    /// So many devices send heartbeats with new counts, as their requests would arrive.
    func beat(devices count: Int, times: Int) throws {
        for _ in 0..<times {
            for index in 0..<count {
                let request = try devices[index].heartbeat(at: clock.now())
                let answer = Answer()
                // The route of heartbeats answers before it returns: it never waits.
                api.handle(request) { answer.status.store($0.status, ordering: .relaxed) }
                let status = answer.status.load(ordering: .relaxed)
                guard status == 200 else { throw LoadFailure("a heartbeat was answered \(status)") }
            }
        }
    }

    /// Ends a tick; how long its commit took, in seconds, 0 where it had nothing to commit.
    func tick() throws -> Double {
        clock.pass(seconds: policy.heartbeatSeconds)
        store.reset()
        try controller.tick()
        return store.seconds
    }
}

/// The status that a request was answered with; 0 before the answer.
private final class Answer: Sendable {
    let status = Atomic(0)
}

/// One device of the fleet: what its heartbeats say.
struct LoadedDevice {
    let id: DeviceID
    let token: String
    let labels: Labels
    private let model: ModelName
    private var digest: Digest
    private var start: Int64 = 1_800_000_000_000
    private var sequence: UInt64 = 0
    private var totals = RuntimeTotals()

    init(number: Int, model: ModelName, digest: Digest) throws {
        let name = "device-" + String(repeating: "0", count: max(0, 6 - "\(number)".count)) + "\(number)"
        id = try DeviceID(name)
        token = "token-of-\(name)"
        labels = try Labels(["site": "site-\(number % 20)", "hw": number % 2 == 0 ? "orin" : "pi"])
        self.model = model
        self.digest = digest
        totals.latencyBuckets = Array(repeating: 0, count: LatencyBounds.bucketCount)
    }

    /// Serves another version from now on, in a new process.
    mutating func serve(_ digest: Digest) {
        guard digest != self.digest else { return }
        self.digest = digest
        start += 1
        totals = RuntimeTotals(latencyBuckets: Array(repeating: 0, count: LatencyBounds.bucketCount))
    }

    /// The request of its next heartbeat: a hundred more requests since the last, as a detector counts them.
    mutating func heartbeat(at now: Timestamp) throws -> WebRequest {
        sequence += 1
        totals.requests += 100
        totals.failures["timeout", default: 0] += sequence % 20 == 0 ? 1 : 0
        totals.latencyBuckets[4] += 60
        totals.latencyBuckets[5] += 40
        totals.latencySumMicroseconds += 2_500_000
        totals.answers += 100
        totals.classes["person", default: 0] += 70
        totals.classes["car", default: 0] += 30
        let confidence = totals.means["confidence"] ?? MeanTotals()
        totals.means["confidence"] = MeanTotals(count: confidence.count + 100, above: confidence.above + 87.5)
        let heartbeat = Heartbeat(
            boot: 1_800_000_000_000, sequence: sequence, sentAt: now.milliseconds, assignment: 1,
            slots: [SlotStatus(model: model, digest: digest, healthy: true)],
            series: [
                SeriesReport(series: RuntimeSeries(model: model, digest: digest, start: start), totals: totals)
            ], keySet: 0)
        return WebRequest(
            method: "POST", path: "/v1/devices/\(id)/heartbeats",
            headers: ["authorization": "Bearer \(token)", "content-type": "application/json"],
            body: Array(try JSONEncoder().encode(heartbeat)))
    }
}

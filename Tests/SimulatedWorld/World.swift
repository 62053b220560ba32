import CanaryAnalysis
import Cryptography
import Fleet
import Orchestration
import PrometheusExposition
import Rollouts
import WireFormat

/// A controller, its store and a fleet of devices in one process, everything from one seed; time passes by rounds.
final class World {
    let time = TestTime()
    let log = TestLog()
    private(set) var store: any OrchestratorStore
    let person = Caller.person(id: "key-1", name: "ada", role: .admin)
    let model: ModelName
    let deployment: DeploymentName
    let versions: [VersionReference]
    var chance: SeededChance
    /// The policy of the deployment; small numbers decide fast.
    var policy: Policy
    /// Requests of a device in a round.
    var requests = 100
    /// The share of failures by version; 0.05 where none is named.
    var failureRates: [Digest: Double] = [:]
    /// The share of failures of a device that has installed its version once more; nil for that of its version.
    var failureRateAfterReinstall: Double?
    /// The deployment's placebo schedule.
    var placebo: PlaceboSchedule?
    /// The deployment's picked canaries.
    var canaries: PickedCanaries?
    /// The devices that the deployment names; nil for all.
    var named: [DeviceID]?
    /// The mean confidence of answers by version; nothing is measured where none is named.
    var confidences: [Digest: Double] = [:]
    /// The share of slow requests by version; no latency is measured where none is named.
    var slowShares: [Digest: Double] = [:]
    /// The share of answers that are a cat, by version; others are dogs, and nothing is measured where none is named.
    var cats: [Digest: Double] = [:]
    /// How long what is collected is kept, from the next start of the controller on.
    var retention = Retention()
    private let artifacts: any ArtifactStore
    private(set) var controller: FleetController
    private(set) var registry: MetricRegistry
    private(set) var devices: [SimulatedDevice] = []
    private(set) var round = 0
    let cryptography: StubCryptography

    /// Makes a controller that knows three versions of one model, v1 to v3, and no device yet.
    init(
        seed: UInt64 = 1, store: any OrchestratorStore = MemoryStore(), tokens: (any SignedTokens)? = nil,
        artifacts: any ArtifactStore = NoArtifacts()
    ) throws {
        self.store = store
        self.artifacts = artifacts
        chance = SeededChance(seed: seed)
        model = try ModelName("digits")
        deployment = try DeploymentName("digits")
        let model = model
        let resources = try (1...3).map { number in
            VersionResource(
                model: model, version: try VersionName("v\(number)"), digest: SHA256().digest(of: [UInt8(number)]),
                releaseCounter: UInt64(number), metadata: [:], files: [], bundle: "{}", publisher: nil,
                createdAt: TestTime.start, createdBy: "ada")
        }
        versions = resources.map { VersionReference(name: $0.version, digest: $0.digest) }
        try store.commit(resources.map { .version($0) })
        policy = Policy(
            name: try PolicyName("quick"), steps: [.devices(4), .percent(100)], heartbeatSeconds: 2, soakSeconds: 6,
            deadlineSeconds: 600, errorBudget: 0.2, metrics: [MetricPolicy(name: "failures", relativeTolerance: 2)],
            noDataSeconds: 30, watchSeconds: 20, holdbackShare: 0, updateSeconds: 10, smallFleetDevices: 0)
        cryptography = StubCryptography(seed: seed)
        registry = MetricRegistry()
        controller = try FleetController(
            .init(
                store: store, artifacts: artifacts, cryptography: cryptography, clock: ControllerTime(time: time),
                metrics: registry, log: log, tokens: tokens))
    }

    // MARK: - The fleet

    /// Enrols devices named by their numbers.
    func enrol(_ count: Int, site: String = "berlin", reloads: Bool = false) throws {
        let token = try controller.createToken(
            EnrolmentTokenRequest(uses: count, labels: try Labels(["site": site])), by: person)
        for _ in 0..<count {
            let device = try SimulatedDevice(
                try DeviceID("d\(100 + devices.count)"), model: model, time: time, reloads: reloads)
            device.link.connect(to: controller)
            _ = try controller.enrol(
                EnrolmentRequest(token: token.secret ?? "", device: device.id, labels: Labels(), agentVersion: "1"))
            devices.append(device)
        }
    }

    /// Declares that the deployment wants a version, by its number from 1.
    @discardableResult
    func want(_ version: Int) throws -> ApplyResult<Deployment> {
        _ = try controller.apply(policy, dryRun: false, by: person)
        return try controller.apply(
            Deployment(
                name: deployment, selector: .everything, devices: named, model: model,
                version: versions[version - 1].name, policy: policy.name, placebo: placebo, canaries: canaries),
            dryRun: false, by: person)
    }

    /// A fleet that serves v1 and has a history of it.
    func settle(devices count: Int = 12, rounds: Int = 5) throws {
        try enrol(count)
        try want(1)
        try run(rounds)
    }

    /// Lets rounds pass: every device serves, says so, and the controller ends a tick.
    func run(_ rounds: Int, each: (World) throws -> Void = { _ in }) throws {
        for _ in 0..<rounds {
            round += 1
            time.pass(seconds: policy.heartbeatSeconds)
            try each(self)
            try beat()
            try controller.tick()
        }
    }

    /// Every device serves and says so.
    func beat() throws {
        for device in devices {
            serve(device)
            try device.beat()
        }
    }

    /// Lets rounds pass until something holds.
    ///
    /// - Returns: whether it came to hold within the limit.
    func run(atMost limit: Int, until holds: (World) throws -> Bool) throws -> Bool {
        for _ in 0..<limit {
            if try holds(self) { return true }
            try run(1)
        }
        return try holds(self)
    }

    /// One device's requests of a round.
    func serve(_ device: SimulatedDevice) {
        guard !device.isAway, let serving = device.runtime.serving else { return }
        let renewed = device.reinstalls > 0 ? failureRateAfterReinstall : nil
        let rate = renewed ?? failureRates[serving] ?? 0.05
        device.serve(requests: requests, failures: chance.count(of: requests, rate: rate))
        let measured = measured(on: serving)
        if !measured.isZero { device.runtime.measure(measured) }
    }

    /// What a round of requests measures beside failures.
    private func measured(on version: Digest) -> RuntimeTotals {
        var totals = RuntimeTotals()
        if let confidence = confidences[version] {
            let noise = Double(chance.count(of: 100, rate: 0.5) - 50) / 1000
            totals.means["confidence"] = MeanTotals(
                count: UInt64(requests), above: (confidence + noise) * Double(requests))
        }
        if let slow = slowShares[version] {
            totals.latencyBuckets = Array(repeating: 0, count: LatencyBounds.bucketCount)
            totals.latencyBuckets[8] = UInt64(chance.count(of: requests, rate: slow))
            totals.latencyBuckets[3] = UInt64(requests) - totals.latencyBuckets[8]
        }
        if let cats = cats[version] {
            let count = UInt64(chance.count(of: requests, rate: cats))
            totals.answers = UInt64(requests)
            totals.classes = ["cat": count, "dog": UInt64(requests) - count]
        }
        return totals
    }

    // MARK: - The controller

    /// The controller is killed, as by `kill -9`, and another one starts on what is stored.
    ///
    /// - Parameter reopened: opens the store anew once nobody has it open.
    func restartController(store reopened: (() throws -> any OrchestratorStore)? = nil) throws {
        for device in devices { device.link.connect(to: nil) }
        registry = MetricRegistry()
        if let reopened {
            store = MemoryStore()
            controller = try FleetController(
                .init(
                    store: store, artifacts: NoArtifacts(), cryptography: cryptography,
                    clock: ControllerTime(time: time), metrics: registry, log: log))
            store = try reopened()
        }
        var surroundings = FleetController.Surroundings(
            store: store, artifacts: artifacts, cryptography: cryptography, clock: ControllerTime(time: time),
            metrics: registry, log: log)
        surroundings.retention = retention
        controller = try FleetController(surroundings)
        for device in devices { device.link.connect(to: controller) }
    }

    /// The newest rollout.
    var rollout: RolloutResource? { controller.rollouts(model: nil, active: nil).first }

    /// The newest rollout's decisions by kind.
    var decided: [DecisionKind] { rollout?.decisions.map(\.kind) ?? [] }

    /// The devices that serve a version, by its number from 1.
    func serving(_ version: Int) -> [SimulatedDevice] {
        devices.filter { $0.runtime.serving == versions[version - 1].digest }
    }

    /// The devices whose assignment says to run a version, by its number from 1.
    func assigned(_ version: Int) throws -> [DeviceID] {
        try devices.map(\.id).filter { id in
            try controller.device(id).slots.first?.assigned?.digest == versions[version - 1].digest
        }
    }

    /// A person orders something about the newest rollout.
    @discardableResult
    func order(_ command: RolloutCommand, of id: RolloutID? = nil) throws -> RolloutResource? {
        guard let id = id ?? rollout?.id else { return nil }
        return try controller.command(
            RolloutCommandRequest(command: command, reason: "because of a test"), rollout: id, by: person)
    }
}

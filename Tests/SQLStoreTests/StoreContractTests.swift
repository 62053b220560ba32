import CanaryAnalysis
import Fleet
import Foundation
import Orchestration
import Rollouts
import Testing
import WireFormat

@testable import SQLStore
@testable import SimulatedWorld

/// What every store of the controller promises, asked of the one in memory and of the real one.
@Suite struct StoreContractTests {
    private let model: ModelName
    private let rolloutID: RolloutID

    init() throws {
        model = try ModelName("digits")
        rolloutID = try RolloutID("digits-1")
    }

    private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

    private func digest(_ byte: UInt8) throws -> Digest {
        try #require(Digest(bytes: Array(repeating: byte, count: 32)))
    }

    private func device(_ name: String, number: UInt64 = 0) throws -> StoredDevice {
        var device = StoredDevice(
            id: try DeviceID(name), tokenHash: try digest(1), labels: try Labels(["site": "berlin"]), enrolledAt: at(1),
            agentVersion: "1")
        device.assignmentNumber = number
        return device
    }

    private func version(_ name: String, _ byte: UInt8) throws -> VersionResource {
        VersionResource(
            model: model, version: try VersionName(name), digest: try digest(byte), releaseCounter: 1,
            metadata: ["git": "abc"], files: [VersionFile(path: "a", digest: try digest(9), sizeBytes: 1 << 40)],
            bundle: "{}", publisher: nil, createdAt: at(2), createdBy: "ada")
    }

    private func rollout() throws -> Rollout {
        let deployment = Deployment(
            name: try DeploymentName("digits"), selector: .everything, model: model, version: try VersionName("v1"))
        return Rollout(
            id: rolloutID, deployment: deployment, from: nil,
            to: VersionReference(name: try VersionName("v1"), digest: try digest(1)),
            policy: Policy(name: try PolicyName("p")), salt: .max, at: at(3))
    }

    private func decision(_ number: Int) -> Decision {
        Decision(
            number: number, kind: .hold, cause: .judge, reason: "soak", sentence: "the soak goes on", step: 1, at: at(4)
        )
    }

    @Test("a decision's label replaces the one before and leaves other decisions alone", arguments: StoreKind.allCases)
    func labels(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        try place.store.commit([
            .rollout(try rollout()), .decision(rolloutID, decision(1)), .decision(rolloutID, decision(2)),
        ])
        var labelled = decision(2)
        for label in [DecisionLabel(.falsePositive, by: "ada", at: at(6)), nil] {
            labelled.label = label
            try place.store.commit([.decisionLabelled(rolloutID, labelled)])
            try place.reopen()
            #expect(try place.store.load().decisions == [rolloutID: [decision(1), labelled]])
        }
    }

    private func event(_ action: String, _ number: UInt64) -> AuditEvent {
        AuditEvent(
            number: number, at: at(5), actor: "ada", action: action, subject: "x", detail: ["a": "b"], hash: .zero)
    }

    @Test("what was committed is loaded by the next controller, exactly", arguments: StoreKind.allCases)
    func load(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        var telemetry = StoredTelemetry(device: try DeviceID("a"))
        let series = RuntimeSeries(model: model, digest: try digest(1), start: 7)
        let totals = RuntimeTotals(requests: .max, failures: ["timeout": 2], latencyBuckets: [1, 2, 3])
        _ = telemetry.ledger.absorb(series, reported: totals)
        telemetry.lifetime = [VersionTotals(digest: try digest(1), totals: totals)]
        telemetry.sequence = .max
        let key = StoredAPIKey(id: "key-1", name: "ada", role: .admin, hash: try digest(2), createdAt: at(1))
        let token = StoredToken(id: "tok-1", hash: try digest(3), expiresAt: at(9), usesLeft: 2, labels: Labels())
        let deployment = Deployment(
            name: try DeploymentName("digits"), selector: try Selector("site=berlin"), model: model,
            version: try VersionName("v1"))
        try place.store.commit([
            .device(try device("a")), .device(try device("b")), .telemetry(telemetry), .apiKey(key), .token(token),
            .publisherKey(PublisherKey(pem: "pem", fingerprint: "f")), .version(try version("v1", 1)),
            .keySet(keySet(1)), .keySet(keySet(2)),
            .policy(Policy(name: try PolicyName("p"))), .deployment(deployment), .rollout(try rollout()),
            .decision(rolloutID, decision(1)), .decision(rolloutID, decision(2)),
        ])
        try place.reopen()
        let state = try place.store.load()
        #expect(state.devices == [try device("a"), try device("b")])
        #expect(state.telemetry == [telemetry])
        #expect(state.apiKeys == [key] && state.tokens == [token])
        #expect(state.publisherKeys == [PublisherKey(pem: "pem", fingerprint: "f")])
        #expect(state.keySets == [keySet(1), keySet(2)])
        #expect(state.versions == [try version("v1", 1)])
        #expect(state.policies == [Policy(name: try PolicyName("p"))] && state.deployments == [deployment])
        #expect(state.rollouts == [try rollout()])
        #expect(state.decisions == [rolloutID: [decision(1), decision(2)]])
    }

    @Test("a later record of the same key replaces the earlier, and removals remove", arguments: StoreKind.allCases)
    func replaces(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let key = StoredAPIKey(id: "key-1", name: "ada", role: .viewer, hash: try digest(2), createdAt: at(1))
        let policy = Policy(name: try PolicyName("p"))
        let deployment = Deployment(
            name: try DeploymentName("digits"), selector: .everything, model: model, version: try VersionName("v1"))
        try place.store.commit([
            .device(try device("a", number: 1)), .device(try device("a", number: 2)), .apiKey(key), .policy(policy),
            .deployment(deployment),
        ])
        try place.store.commit([
            .apiKeyRemoved(id: "key-1"), .policyRemoved(policy.name), .deploymentRemoved(deployment.name),
            .deploymentRemoved(deployment.name),
        ])
        try place.reopen()
        let state = try place.store.load()
        #expect(state.devices.map(\.assignmentNumber) == [2])
        #expect(state.apiKeys.isEmpty && state.policies.isEmpty && state.deployments.isEmpty)
    }

    @Test("a commit that fails at its end leaves nothing of its beginning", arguments: StoreKind.allCases)
    func atomic(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        try place.store.commit([
            .rollout(try rollout()), .decision(rolloutID, decision(1)), .audit(event("first", 1)),
        ])
        #expect(throws: (any Error).self) {
            try place.store.commit([
                .device(try device("a")), .audit(event("second", 2)), .policy(Policy(name: try PolicyName("p"))),
                .decision(rolloutID, decision(1)),
            ])
        }
        try place.reopen()
        let state = try place.store.load()
        #expect(state.devices.isEmpty && state.policies.isEmpty)
        #expect(try place.store.audit(after: 0, limit: 10).map(\.action) == ["first"])
        try place.store.commit([.audit(event("third", 2))])
        #expect(try place.store.audit(after: 0, limit: 10).map(\.number) == [1, 2], "numbers have no gaps")
    }

    @Test("what is only ever added cannot be added twice", arguments: StoreKind.allCases)
    func appendOnly(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let row = EvidenceRow(rollout: rolloutID, step: 1, tick: 1, bytes: [1])
        let experiment = StoredExperiment(
            rollout: rolloutID, step: 1, experiment: experiment(seed: 1), measuring: measuring)
        try place.store.commit([.rollout(try rollout())])
        let once: [StoreChange] = [
            .evidence(row), .experiment(experiment), .decision(rolloutID, decision(1)), .version(try version("v1", 1)),
            .keySet(keySet(1)),
        ]
        try place.store.commit(once)
        for change in once { #expect(throws: (any Error).self) { try place.store.commit([change]) } }
        #expect(throws: (any Error).self, "the same name for another version") {
            try place.store.commit([.version(try version("v1", 2))])
        }
    }

    @Test("a version that is signed again keeps its place and has the new signature", arguments: StoreKind.allCases)
    func signedAgain(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        var signed = try version("v1", 1)
        try place.store.commit([.version(signed), .version(try version("v2", 2))])
        signed.bundle = "another"
        signed.publisher = "b"
        try place.store.commit([.versionUpdated(signed)])
        try place.reopen()
        #expect(try place.store.load().versions == [signed, try version("v2", 2)])
    }

    private func keySet(_ number: UInt64) -> KeySetResource {
        KeySetResource(
            number: number, envelope: "set \(number)", keys: [.zero], revoked: [], recoveryKey: .zero,
            publishedAt: at(1),
            publishedBy: "ada")
    }

    @Test("evidence comes back in the order of its ticks, byte for byte", arguments: StoreKind.allCases)
    func evidence(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let ticks = [1, 2, 10, 3, 11]
        // A rollout, its experiments and their evidence refer to each other; within a commit their order is free.
        let stored = StoredExperiment(
            rollout: rolloutID, step: 1, experiment: experiment(seed: .max), measuring: measuring)
        var second = stored
        second.step = 3
        try place.store.commit([.experiment(stored), .experiment(second), .rollout(try rollout())])
        for tick in ticks {
            try place.store.commit([
                .evidence(EvidenceRow(rollout: rolloutID, step: 1, tick: tick, bytes: [UInt8(tick), 0, 255])),
                .evidence(EvidenceRow(rollout: rolloutID, step: 3, tick: tick, bytes: [])),
            ])
        }
        try place.reopen()
        let rows = try place.store.evidence(rollout: rolloutID, step: 1)
        #expect(rows.map(\.tick) == ticks.sorted())
        #expect(rows.map(\.bytes) == ticks.sorted().map { [UInt8($0), 0, 255] })
        #expect(try place.store.evidence(rollout: rolloutID, step: 3).map(\.bytes) == ticks.map { _ in [] })
        #expect(try place.store.evidence(rollout: rolloutID, step: 2).isEmpty)
        #expect(try place.store.experiment(rollout: rolloutID, step: 1)?.experiment == experiment(seed: .max))
        #expect(try place.store.experiment(rollout: rolloutID, step: 1)?.measuring == measuring)
        #expect(try place.store.experiment(rollout: rolloutID, step: 2) == nil)
    }

    private var measuring: StepMeasuring {
        let names = MeasurementNames(latencyBounds: [0.1, 1], shares: ["class:a"], means: ["confidence"])
        let history = Measurements(
            requests: 10, failures: 1, latency: [5, 4, 1], shares: [Tally(count: 10, total: 1.0 / 3)],
            means: [Tally(count: 10, total: -2)])
        return StepMeasuring(
            names: names, design: MetricDesign(policies: [], names: names, histories: [history], strata: [0]))
    }

    private func experiment(seed: UInt64) -> StepExperiment {
        StepExperiment(
            seed: seed, step: 1, tickSeconds: 2,
            devices: [
                ExperimentDevice(
                    id: "a", stratum: 0, isCanary: true, labels: [:],
                    history: [Tally(count: 1e15 / 3, total: 0.1)])
            ], metrics: [MetricPlan(name: "failures", margin: .absolute(0.001))],
            plan: TestPlan(
                share: 0.1, updateShare: 0.01, soakTicks: 1, deadlineTicks: 2, watchTicks: 3, excuseTicks: 4,
                mayAdvanceUnproven: false))
    }

    @Test("the audit log is read forward and backward in pages", arguments: StoreKind.allCases)
    func audit(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        try place.store.commit((1...25).map { .audit(event("action-\($0)", UInt64($0))) })
        try place.reopen()
        let store = place.store
        #expect(try store.audit(after: 0, limit: 10).map(\.number) == Array(1...10))
        #expect(try store.audit(after: 20, limit: 10).map(\.number) == Array(21...25))
        #expect(try store.audit(after: .max, limit: 10).isEmpty)
        #expect(try store.newestAudit(before: nil, limit: 3).map(\.number) == [25, 24, 23])
        #expect(try store.newestAudit(before: 3, limit: 10).map(\.number) == [2, 1])
        #expect(try store.newestAudit(before: 1, limit: 10).isEmpty)
        #expect(try store.audit(after: 6, limit: 1).first?.action == "action-7")
        #expect(try store.audit(after: 6, limit: 1) == [event("action-7", 7)])
        #expect(throws: (any Error).self) { try place.store.commit([.audit(event("again", 25))]) }
    }

    @Test("checkpoints of the audit log are read forward, and the newest alone", arguments: StoreKind.allCases)
    func auditCheckpoints(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        #expect(try place.store.newestAuditCheckpoint() == nil)
        let marks = try (1...5).map {
            AuditMark(number: UInt64($0) * 10, hash: try digest(UInt8($0)), at: at(Int64($0)), seal: "a.b.\($0)")
        }
        try place.store.commit(marks.map { .auditCheckpoint($0) })
        try place.reopen()
        #expect(try place.store.newestAuditCheckpoint() == marks[4])
        #expect(try place.store.auditCheckpoints(after: 20, limit: 2) == [marks[2], marks[3]])
        #expect(throws: (any Error).self) { try place.store.commit([.auditCheckpoint(marks[4])]) }
    }

    @Test("a reply is kept for a day, and the first one to a key holds", arguments: StoreKind.allCases)
    func replies(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        func reply(_ key: String, _ body: String, at seconds: Int64) throws -> StoredReply {
            StoredReply(key: key, fingerprint: try digest(1), status: 200, body: body, at: at(seconds))
        }
        try place.store.commit([.reply(try reply("a", "one", at: 0)), .reply(try reply("a", "two", at: 1))])
        try place.store.commit([.reply(try reply("b", "one", at: 86_400))])
        #expect(try place.store.reply(key: "a")?.body == "one", "exactly a day old")
        try place.store.commit([.reply(try reply("c", "one", at: 86_401))])
        try place.reopen()
        #expect(try place.store.reply(key: "a") == nil)
        #expect(try place.store.reply(key: "b") == reply("b", "one", at: 86_400))
        #expect(try place.store.reply(key: "none") == nil)
    }

    @Test("a store that works says so", arguments: StoreKind.allCases)
    func probe(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        try place.store.probe()
        try place.reopen()
        try place.store.probe()
    }
}

import CanaryAnalysis
import Fleet
import Orchestration
import Rollouts
import Synchronization
import WireFormat

/// A fleet of one device, one model and one rollout that remembers what it was asked to do.
final class FakeFleet: FleetOperations {
    struct State {
        var calls: [String] = []
        var replies: [String: StoredReply] = [:]
        var waits: [@Sendable () -> Void] = []
        var assignmentNumber: UInt64 = 7
        var revision: UInt64 = 3
        var policies: [PolicyName: Policy] = [:]
        var deployments: [DeploymentName: Deployment] = [:]
        var failure: (any Error)?
        var unready: String?
        var artifact = ArtifactFile(path: "/artifacts/a", sizeBytes: 1000)
        var models: [ModelResource] = []
        var keepFails = false
        var bars: [DeviceUse: DeviceStanding] = [:]
        /// Happens while the next call is carried out, once.
        var meanwhile: (@Sendable () -> Void)?
    }

    struct DatabaseAway: Error {}

    let state = Mutex(State())

    var calls: [String] { state.withLock { $0.calls } }

    func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }

    /// Notes a call; throws what the test wants to fail with.
    private func note(_ call: String) throws {
        let (failure, meanwhile) = state.withLock { state in
            defer { state.meanwhile = nil }
            state.calls.append(call)
            return (state.failure, state.meanwhile)
        }
        meanwhile?()
        if let failure { throw failure }
    }

    /// Lets every wait end.
    func wakeAll() {
        let waits = state.withLock { state in
            defer { state.waits = [] }
            return state.waits
        }
        for wake in waits { wake() }
    }

    private func missing(_ what: String) -> Problem {
        Problem(code: "unknown_\(what)", title: "Unknown \(what)", status: 404, detail: "there is no such \(what)")
    }

    func renewCertificate(_ renewal: CertificateRenewal, of device: DeviceID) throws -> DeviceCertificate {
        try note("renew \(device) \(renewal.certificateRequest)")
        return DeviceCertificate(certificate: "pem")
    }

    func heartbeat(_ heartbeat: Heartbeat, from device: DeviceID) throws -> HeartbeatReply {
        try note("heartbeat \(device) \(heartbeat.sequence)")
        return HeartbeatReply(committedThrough: 0, assignment: 7, intervalSeconds: 30, now: 0)
    }

    func assignments(of device: DeviceID) throws -> AssignmentSet {
        try note("assignments \(device)")
        return AssignmentSet(number: state.withLock { $0.assignmentNumber }, assignments: ["a.b.c"])
    }

    func waitForAssignment(
        of device: DeviceID, above number: UInt64, seconds: Double, then: @escaping @Sendable () -> Void
    ) -> UInt64 {
        state.withLock { state in
            state.calls.append("wait \(device) above \(number) for \(seconds)")
            state.waits.append(then)
        }
        return 1
    }

    func waitForRollout(
        _ id: RolloutID, otherThan revision: UInt64, seconds: Double, then: @escaping @Sendable () -> Void
    ) -> UInt64 {
        state.withLock { state in
            state.calls.append("wait \(id) other than \(revision) for \(seconds)")
            state.waits.append(then)
        }
        return 2
    }

    func cancelWait(_ token: UInt64) {}

    func enrol(_ request: EnrolmentRequest) throws -> EnrolmentReply {
        try note("enrol \(request.device)")
        return EnrolmentReply(deviceToken: "edt_new", assignmentKey: "pem", publisherKeys: [])
    }

    func report(_ batch: ReportBatch, from device: DeviceID) throws -> ReportReceipt {
        try note("report \(batch.reports.count) from \(device)")
        return ReportReceipt(acknowledged: 4)
    }

    func history(_ upload: HistoryUpload, from device: DeviceID) throws {
        try note("history \(upload.points.count) from \(device)")
    }

    func devices(matching selector: Selector, after: DeviceID?, limit: Int) -> Page<DeviceResource> {
        state.withLock { $0.calls.append("devices [\(selector)] after \(after?.rawValue ?? "-") limit \(limit)") }
        return Page(items: [], next: "dev1")
    }

    func device(_ id: DeviceID) throws -> DeviceResource {
        try note("device \(id)")
        guard id.rawValue == "dev1" else { throw missing("device") }
        return DeviceResource(id: id, labels: Labels(), state: .online, enrolledAt: Sample.now)
    }

    func patch(_ id: DeviceID, _ patch: DevicePatch, by caller: Caller) throws -> DeviceResource {
        try note("patch \(id) \(patch.labels) by \(caller.auditName)")
        return DeviceResource(id: id, labels: patch.labels, state: .online, enrolledAt: Sample.now)
    }

    func bar(on device: DeviceID, using use: DeviceUse) -> Problem? {
        state.withLock { $0.bars[use] }.map { .barred(device, $0) }
    }

    func decide(_ decision: DeviceDecision, on id: DeviceID, by caller: Caller) throws -> DeviceResource {
        try note("\(decision.decision) \(id) by \(caller.auditName)")
        return DeviceResource(id: id, labels: Labels(), state: .online, enrolledAt: Sample.now)
    }

    func replace(
        _ id: DeviceID, _ request: DeviceReplacement, by caller: Caller
    ) throws -> EnrolmentTokenResource {
        try note("replace \(id) by \(caller.auditName)")
        return EnrolmentTokenResource(
            id: "tok-2", expiresAt: Sample.now, usesLeft: 1, labels: Labels(), secret: "s3cret")
    }

    func rollBack(_ id: DeviceID, _ request: DeviceRollbackRequest, by caller: Caller) throws -> DeviceResource {
        try note("rollBack \(id) to \(request.model) \(request.version) by \(caller.auditName)")
        return DeviceResource(id: id, labels: Labels(), state: .online, enrolledAt: Sample.now)
    }

    func retire(_ id: DeviceID, by caller: Caller) throws { try note("retire \(id) by \(caller.auditName)") }

    func createToken(_ request: EnrolmentTokenRequest, by caller: Caller) throws -> EnrolmentTokenResource {
        try note("createToken by \(caller.auditName)")
        return EnrolmentTokenResource(
            id: "tok-1", expiresAt: Sample.now, usesLeft: request.uses ?? 1, labels: Labels(), secret: "s3cret")
    }

    func tokens() -> [EnrolmentTokenResource] { [] }

    func createAPIKey(_ request: APIKeyRequest, by caller: Caller) throws -> APIKeyResource {
        try note("createAPIKey \(request.name) \(request.role) by \(caller.auditName)")
        return APIKeyResource(
            id: "key-1", name: request.name, role: request.role, createdAt: Sample.now, secret: "eok_new")
    }

    func rotateAPIKey(id: String, _ rotation: APIKeyRotation, by caller: Caller) throws -> APIKeyResource {
        try note("rotateAPIKey \(id) \(rotation.overlapSeconds ?? -1) by \(caller.auditName)")
        return APIKeyResource(id: id, name: "ci", role: .publisher, createdAt: Sample.now, secret: "eok_newer")
    }

    func apiKeys() -> [APIKeyResource] { [] }
    func removeAPIKey(id: String, by caller: Caller) throws { try note("removeAPIKey \(id) by \(caller.auditName)") }

    func addPublisherKey(_ key: PublisherKey, by caller: Caller) throws -> PublisherKey {
        try note("addPublisherKey by \(caller.auditName)")
        return PublisherKey(pem: key.pem, fingerprint: "f1")
    }

    func publisherKeys() -> [PublisherKey] { [] }

    func publish(_ publication: KeySetPublication, by caller: Caller) throws -> KeySetResource {
        try note("publish key set by \(caller.auditName)")
        return KeySetResource(
            number: 1, envelope: publication.envelope, keys: [.zero], revoked: [], recoveryKey: .zero,
            publishedAt: Sample.now, publishedBy: caller.auditName)
    }

    func keySets(after: UInt64, limit: Int) -> Page<KeySetResource> {
        try? note("keySets after \(after) limit \(limit)")
        return Page(items: [], next: nil)
    }

    func assignmentKey() throws -> PublisherKey {
        try note("assignmentKey")
        return PublisherKey(pem: "pem", fingerprint: "f2")
    }

    func beginUpload(_ digest: Digest, _ request: UploadRequest) throws -> UploadStatus {
        try note("beginUpload \(digest.short) \(request.sizeBytes)")
        return UploadStatus(offsetBytes: 0, complete: false)
    }

    func uploadStatus(_ digest: Digest) throws -> UploadStatus {
        try note("uploadStatus \(digest.short)")
        return UploadStatus(offsetBytes: 512, complete: false)
    }

    func appendUpload(_ digest: Digest, offsetBytes: UInt64, bytes: [UInt8]) throws -> UploadStatus {
        try note("appendUpload \(digest.short) at \(offsetBytes): \(bytes.count)")
        return UploadStatus(offsetBytes: offsetBytes + UInt64(bytes.count), complete: true)
    }

    func artifact(_ digest: Digest) throws -> ArtifactFile {
        try note("artifact \(digest.short)")
        return state.withLock { $0.artifact }
    }

    func registerVersion(
        _ registration: VersionRegistration, model: ModelName, by caller: Caller
    ) throws -> VersionResource {
        try note("registerVersion \(model) \(registration.version) by \(caller.auditName)")
        return Sample.version(model: model, version: registration.version)
    }

    func models() -> [ModelResource] { state.withLock { $0.models } }

    func versions(of model: ModelName) throws -> [VersionResource] {
        try note("versions \(model)")
        return []
    }

    func version(_ version: VersionName, of model: ModelName) throws -> VersionResource {
        try note("version \(version) of \(model)")
        return Sample.version(model: model, version: version)
    }

    func version(digest: Digest) throws -> VersionResource {
        try note("version \(digest.short)")
        return Sample.version(model: try ModelName("digits"), version: try VersionName("v1"))
    }

    func policies() -> [Policy] { state.withLock { $0.policies.values.sorted { $0.name < $1.name } } }

    func policy(_ name: PolicyName) throws -> Policy {
        guard let policy = state.withLock({ $0.policies[name] }) else { throw missing("policy") }
        return policy
    }

    func apply(_ policy: Policy, dryRun: Bool, by caller: Caller) throws -> ApplyResult<Policy> {
        try note("apply policy \(policy.name) dryRun \(dryRun) by \(caller.auditName)")
        return state.withLock { state in
            let before = state.policies[policy.name]
            if !dryRun { state.policies[policy.name] = policy }
            return ApplyResult(change: before == nil ? .created : .updated, resource: policy)
        }
    }

    func removePolicy(_ name: PolicyName, by caller: Caller) throws {
        try note("removePolicy \(name) by \(caller.auditName)")
        state.withLock { $0.policies[name] = nil }
    }

    func deployments() -> [Deployment] { state.withLock { $0.deployments.values.sorted { $0.name < $1.name } } }

    func deployment(_ name: DeploymentName) throws -> Deployment {
        guard let deployment = state.withLock({ $0.deployments[name] }) else { throw missing("deployment") }
        return deployment
    }

    func apply(_ deployment: Deployment, dryRun: Bool, by caller: Caller) throws -> ApplyResult<Deployment> {
        try note("apply deployment \(deployment.name) dryRun \(dryRun) by \(caller.auditName)")
        return state.withLock { state in
            let before = state.deployments[deployment.name]
            if !dryRun { state.deployments[deployment.name] = deployment }
            return ApplyResult(change: before == nil ? .created : .updated, resource: deployment)
        }
    }

    func removeDeployment(_ name: DeploymentName, by caller: Caller) throws {
        try note("removeDeployment \(name) by \(caller.auditName)")
        state.withLock { $0.deployments[name] = nil }
    }

    func rollouts(model: ModelName?, active: Bool?) -> [RolloutResource] {
        state.withLock {
            $0.calls.append("rollouts \(model?.rawValue ?? "-") \(active.map { "\($0)" } ?? "-")")
        }
        return []
    }

    func rollout(_ id: RolloutID) throws -> (resource: RolloutResource, revision: UInt64) {
        try note("rollout \(id)")
        guard id.rawValue == "digits-1" else { throw missing("rollout") }
        return (try Sample.rollout(id), state.withLock { $0.revision })
    }

    func approve(_ request: ApprovalRequest, rollout: RolloutID, by caller: Caller) throws -> RolloutResource {
        try note("approve \(rollout): \(request.reason) by \(caller.auditName)")
        return try Sample.rollout(rollout)
    }

    func command(
        _ request: RolloutCommandRequest, rollout: RolloutID, by caller: Caller
    ) throws -> RolloutResource {
        try note("command \(request.command) \(rollout) by \(caller.auditName): \(request.reason)")
        return try Sample.rollout(rollout)
    }

    func label(
        _ label: DecisionLabel.Value?, decision number: Int, of rollout: RolloutID, by caller: Caller
    ) throws -> Decision {
        try note("label \(number) of \(rollout) \(label?.rawValue ?? "-") by \(caller.auditName)")
        return Decision(
            number: number, kind: .rollback, cause: .judge, reason: "harm_proven", sentence: "failures rose", step: 1,
            at: Sample.now)
    }

    func evidence(_ id: RolloutID) throws -> RolloutEvidence {
        try note("evidence \(id)")
        return RolloutEvidence(rollout: id, steps: [], metrics: [], decisions: [])
    }

    func forecast(_ request: ForecastRequest) throws -> PlanForecast {
        try note("forecast \(request.deployment.name)")
        return PlanForecast(
            policy: try request.policy ?? Policy(name: PolicyName("default")),
            unknownReason: "nothing was promoted yet", rolloutsPerYear: request.rolloutsPerYear ?? 52)
    }

    func audit(before: UInt64?, limit: Int) throws -> [AuditEvent] {
        try note("audit before \(before.map { "\($0)" } ?? "-") limit \(limit)")
        let top = before ?? 6
        return (1...5).map { $0 as UInt64 }.filter { $0 < top }.reversed().prefix(limit).map {
            AuditEvent(number: $0, at: Sample.now, actor: "ada", action: "x", subject: "y")
        }
    }

    func issueToken(to device: DeviceID) throws -> DeviceToken {
        try note("issue token to \(device)")
        return DeviceToken(token: "a.b.c", expiresAt: Sample.now)
    }

    func tokenKeys() throws -> [UInt8] {
        try note("token keys")
        return Array(#"{"keys":[]}"#.utf8)
    }

    func audit(after: UInt64, limit: Int) throws -> [AuditEvent] {
        try note("audit after \(after) limit \(limit)")
        return (1...5).map { $0 as UInt64 }.filter { $0 > after }.prefix(limit).map {
            AuditEvent(number: $0, at: Sample.now, actor: "ada", action: "x", subject: "y")
        }
    }

    func auditCheckpoints(after: UInt64, limit: Int) throws -> [AuditMark] {
        try note("audit checkpoints after \(after) limit \(limit)")
        return []
    }

    func auditLogBeginning() throws -> AuditMark {
        try note("audit beginning")
        return AuditMark(number: 4, hash: .zero, at: Sample.now, seal: "a.b.c")
    }

    func retention(_ choice: RetentionChoice) throws -> RetentionResource {
        try note("retention \(choice.evidence?.description ?? "-") \(choice.audit?.description ?? "-")")
        return RetentionResource(
            lookedAt: Sample.now,
            expired: [
                .init(kind: .evidence, kept: .days(365), count: 12, bytes: 3456, names: ["digits-1"])
            ])
    }

    func auditHead() throws -> AuditMark {
        try note("audit head")
        return AuditMark(number: 5, hash: .zero, at: Sample.now, seal: "a.b.c")
    }

    func storedReply(key: String) throws -> StoredReply? { state.withLock { $0.replies[key] } }

    func keep(_ reply: StoredReply) throws {
        let fails = state.withLock { state in
            if !state.keepFails { state.replies[reply.key] = reply }
            return state.keepFails
        }
        if fails { throw DatabaseAway() }
    }

    func unreadyReason() -> String? { state.withLock { $0.unready } }
}

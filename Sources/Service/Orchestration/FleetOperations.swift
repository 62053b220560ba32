public import Fleet
public import Rollouts
public import WireFormat

/// The use cases of the controller, as the API calls them.
///
/// Each throws ``Problem`` for what the caller can mend (unknown name, wrong field, conflict) and other errors for what
/// it cannot (database away). Calls that may touch the store block and are made from worker threads; those marked fast
/// never do.
public protocol FleetOperations: AnyObject, Sendable {
    /// Who a bearer credential belongs to: an operator key (`eok_…`), a device token (`edt_…`) or a signed token. Fast.
    func authenticate(bearer: String) throws(CredentialRefusal) -> Caller

    /// Fetches the keys of the issuer of operators' tokens, where that is due; blocks.
    func refreshIssuer()

    /// Whether something is within an operator's scope; what does not exist is within no scope but the one without
    /// bounds. Fast.
    func includes(_ subject: ScopeSubject, in scope: OperatorScope) -> Bool

    /// Whether a certificate for this key is the device's, which is not retired. Fast.
    func caller(device: DeviceID, certificateKey: Digest) -> Caller?

    /// Why a device may not do something with the credential that it has; nil where it may. Fast.
    func bar(on device: DeviceID, using use: DeviceUse) -> Problem?

    /// Takes a heartbeat in. Fast: memory only.
    func heartbeat(_ heartbeat: Heartbeat, from device: DeviceID) throws -> HeartbeatReply
    /// The device's signed assignments. Fast.
    func assignments(of device: DeviceID) throws -> AssignmentSet
    /// Calls back once, as soon as the device's assignment number is above `number`, or at the deadline; from any
    /// thread. Fast.
    ///
    /// Returns a token for ``cancelWait(_:)``.
    func waitForAssignment(
        of device: DeviceID, above number: UInt64, seconds: Double, then: @escaping @Sendable () -> Void
    ) -> UInt64
    /// Calls back once, as soon as the rollout's revision differs from `revision`, or at the deadline; from any thread.
    /// Fast.
    func waitForRollout(
        _ id: RolloutID, otherThan revision: UInt64, seconds: Double, then: @escaping @Sendable () -> Void
    ) -> UInt64
    /// Forgets a wait; its callback is called at most once all the same. Fast.
    func cancelWait(_ token: UInt64)

    /// Enrols a device with a token.
    func enrol(_ request: EnrolmentRequest) throws -> EnrolmentReply
    /// Renews a device's certificate for the key it has.
    func renewCertificate(_ renewal: CertificateRenewal, of device: DeviceID) throws -> DeviceCertificate
    /// Stores attempt reports.
    func report(_ batch: ReportBatch, from device: DeviceID) throws -> ReportReceipt
    /// Takes in points of a device's ring.
    func history(_ upload: HistoryUpload, from device: DeviceID) throws

    /// Devices that match, in the order of their ids, after `after`, at most `limit`.
    func devices(matching selector: Selector, after: DeviceID?, limit: Int) -> Page<DeviceResource>
    /// One device.
    func device(_ id: DeviceID) throws -> DeviceResource
    /// Replaces a device's labels.
    func patch(_ id: DeviceID, _ patch: DevicePatch, by caller: Caller) throws -> DeviceResource
    /// Lets a device in or out of quarantine, rejects or revokes it.
    func decide(_ decision: DeviceDecision, on id: DeviceID, by caller: Caller) throws -> DeviceResource
    /// Revokes a device's credentials and makes a token with which one new board takes its identity.
    func replace(_ id: DeviceID, _ request: DeviceReplacement, by caller: Caller) throws -> EnrolmentTokenResource
    /// Sends one device back to an earlier version of a model.
    func rollBack(_ id: DeviceID, _ request: DeviceRollbackRequest, by caller: Caller) throws -> DeviceResource
    /// Takes a device out of service; its token stops working.
    func retire(_ id: DeviceID, by caller: Caller) throws

    /// Makes an enrolment token.
    func createToken(_ request: EnrolmentTokenRequest, by caller: Caller) throws -> EnrolmentTokenResource
    /// All enrolment tokens that still work.
    func tokens() -> [EnrolmentTokenResource]
    /// Makes an operator key.
    func createAPIKey(_ request: APIKeyRequest, by caller: Caller) throws -> APIKeyResource
    /// All operator keys.
    func apiKeys() -> [APIKeyResource]
    /// Gives an operator key a new secret; the old one works on for a while.
    func rotateAPIKey(id: String, _ rotation: APIKeyRotation, by caller: Caller) throws -> APIKeyResource
    /// Revokes an operator key.
    func removeAPIKey(id: String, by caller: Caller) throws

    /// Registers a publisher's public key.
    func addPublisherKey(_ key: PublisherKey, by caller: Caller) throws -> PublisherKey
    /// All publisher keys.
    func publisherKeys() -> [PublisherKey]
    /// Keeps the next key set and relays it to devices from now on; the same one again changes nothing.
    func publish(_ publication: KeySetPublication, by caller: Caller) throws -> KeySetResource
    /// Key sets with a number above `after`, in order, at most `limit`.
    func keySets(after: UInt64, limit: Int) -> Page<KeySetResource>
    /// The public half of the assignment key.
    func assignmentKey() throws -> PublisherKey
    /// Starts or resumes an upload.
    func beginUpload(_ digest: Digest, _ request: UploadRequest) throws -> UploadStatus
    /// How far an upload is.
    func uploadStatus(_ digest: Digest) throws -> UploadStatus
    /// Appends a piece to an upload.
    func appendUpload(_ digest: Digest, offsetBytes: UInt64, bytes: [UInt8]) throws -> UploadStatus
    /// A complete artifact.
    func artifact(_ digest: Digest) throws -> ArtifactFile
    /// Registers a version whose files are uploaded.
    func registerVersion(
        _ registration: VersionRegistration, model: ModelName, by caller: Caller
    ) throws -> VersionResource
    /// All models by name.
    func models() -> [ModelResource]
    /// The versions of a model, newest first.
    func versions(of model: ModelName) throws -> [VersionResource]
    /// One version by name.
    func version(_ version: VersionName, of model: ModelName) throws -> VersionResource
    /// One version by digest; what an agent fetches.
    func version(digest: Digest) throws -> VersionResource

    /// All policies by name, the built-in `default` among them.
    func policies() -> [Policy]
    /// One policy.
    func policy(_ name: PolicyName) throws -> Policy
    /// Applies a policy.
    func apply(_ policy: Policy, dryRun: Bool, by caller: Caller) throws -> ApplyResult<Policy>
    /// Removes a policy that no deployment uses.
    func removePolicy(_ name: PolicyName, by caller: Caller) throws

    /// All deployments by name.
    func deployments() -> [Deployment]
    /// One deployment.
    func deployment(_ name: DeploymentName) throws -> Deployment
    /// Applies a deployment; a changed version starts a rollout.
    func apply(_ deployment: Deployment, dryRun: Bool, by caller: Caller) throws -> ApplyResult<Deployment>
    /// Removes a deployment; its devices keep what they run.
    func removeDeployment(_ name: DeploymentName, by caller: Caller) throws

    /// Rollouts, newest first.
    func rollouts(model: ModelName?, active: Bool?) -> [RolloutResource]
    /// One rollout and its revision, which changes whenever anything about it does.
    func rollout(_ id: RolloutID) throws -> (resource: RolloutResource, revision: UInt64)
    /// Carries out a person's command.
    func command(_ request: RolloutCommandRequest, rollout: RolloutID, by caller: Caller) throws -> RolloutResource
    /// Approves that a rollout starts, by somebody else than its author.
    func approve(_ request: ApprovalRequest, rollout: RolloutID, by caller: Caller) throws -> RolloutResource
    /// Says whether an alarm was right; nil takes back what was said.
    func label(
        _ label: DecisionLabel.Value?, decision number: Int, of rollout: RolloutID, by caller: Caller
    ) throws -> Decision
    /// The evidence of a rollout.
    func evidence(_ id: RolloutID) throws -> RolloutEvidence

    /// What a plan can find, and how soon; takes seconds.
    func forecast(_ request: ForecastRequest) throws -> PlanForecast

    /// Signs a token for a device.
    func issueToken(to device: DeviceID) throws -> DeviceToken
    /// The public keys that devices' tokens are signed with, as a JSON Web Key Set.
    func tokenKeys() throws -> [UInt8]

    /// Audit rows, newest first, below `before`, at most `limit`.
    func audit(before: UInt64?, limit: Int) throws -> [AuditEvent]

    /// Audit rows with a number above `after`, oldest first, at most `limit`.
    func audit(after: UInt64, limit: Int) throws -> [AuditEvent]
    /// Checkpoints that cover more than `after` audit rows, oldest first, at most `limit`.
    func auditCheckpoints(after: UInt64, limit: Int) throws -> [AuditMark]
    /// How long the audit log is now, signed.
    func auditHead() throws -> AuditMark
    /// Where the audit log begins, signed, since retention removed what was before.
    func auditLogBeginning() throws -> AuditMark

    /// How long what is collected is kept, and what would go now.
    func retention(_ choice: RetentionChoice) throws -> RetentionResource

    /// The reply an idempotency key was answered with.
    func storedReply(key: String) throws -> StoredReply?
    /// Keeps the reply to an idempotency key.
    func keep(_ reply: StoredReply) throws

    /// Whether the controller can serve: nil, or why not.
    func unreadyReason() -> String?
}

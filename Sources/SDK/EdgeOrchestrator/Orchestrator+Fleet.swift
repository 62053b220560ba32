public import Fleet
public import Rollouts
public import WireFormat

extension Orchestrator {
    // MARK: - Devices

    /// All devices whose labels match, by id.
    public func devices(matching selector: Selector = .everything) throws(OrchestratorError) -> [DeviceResource] {
        try all(
            .get("devices").asking("limit", "500").asking("selector", selector.isEmpty ? nil : selector.description))
    }

    /// One device.
    public func device(_ id: DeviceID) throws(OrchestratorError) -> DeviceResource {
        try call(.get("devices/\(id)"))
    }

    /// Replaces a device's labels.
    public func setLabels(_ labels: Labels, of id: DeviceID) throws(OrchestratorError) -> DeviceResource {
        try call(.sending("PATCH", "devices/\(id)", DevicePatch(labels: labels)))
    }

    /// Lets a device in or out of quarantine, rejects or revokes it.
    public func decide(
        _ verb: DeviceDecision.Verb, on id: DeviceID, reason: String
    ) throws(OrchestratorError) -> DeviceResource {
        try call(.sending("POST", "devices/\(id)/decisions", DeviceDecision(verb, reason: reason)))
    }

    /// Revokes a device's credentials; the token in the reply, in this one only, gives its identity to a new board.
    public func replace(
        _ id: DeviceID, _ request: DeviceReplacement
    ) throws(OrchestratorError) -> EnrolmentTokenResource {
        try call(.sending("POST", "devices/\(id)/replacement", request))
    }

    /// Takes a device out of service for good; its token stops working and its id is not used again.
    public func retire(_ id: DeviceID) throws(OrchestratorError) {
        try perform(.delete("devices/\(id)"))
    }

    /// Sends one device back to an earlier version; it keeps that until a later one is promoted.
    ///
    /// - Parameter reason: why, 1 to 500 characters; kept in the audit log.
    public func rollBack(
        _ id: DeviceID, model: ModelName, to version: VersionName, reason: String
    ) throws(OrchestratorError) -> DeviceResource {
        try call(
            .sending(
                "POST", "devices/\(id)/rollbacks",
                DeviceRollbackRequest(model: model, version: version, reason: reason)
            ).once())
    }

    // MARK: - Enrolment tokens

    /// Makes an enrolment token; its secret is in this reply only.
    public func createToken(_ request: EnrolmentTokenRequest) throws(OrchestratorError) -> EnrolmentTokenResource {
        try call(.sending("POST", "enrolment-tokens", request))
    }

    /// All enrolment tokens that still work.
    public func tokens() throws(OrchestratorError) -> [EnrolmentTokenResource] {
        try all(.get("enrolment-tokens"))
    }

    // MARK: - Operator keys

    /// Makes an operator key; its secret is in this reply only.
    public func createAPIKey(_ request: APIKeyRequest) throws(OrchestratorError) -> APIKeyResource {
        try call(.sending("POST", "api-keys", request))
    }

    /// All operator keys, without their secrets.
    public func apiKeys() throws(OrchestratorError) -> [APIKeyResource] {
        try all(.get("api-keys"))
    }

    /// Gives an operator key a new secret, which is in this reply only; the old one works on for the overlap.
    public func rotateAPIKey(
        id: String, _ rotation: APIKeyRotation = APIKeyRotation()
    ) throws(OrchestratorError) -> APIKeyResource {
        try call(.sending("POST", "api-keys/\(APICall.escaped(id))/rotation", rotation))
    }

    /// Revokes an operator key.
    public func removeAPIKey(id: String) throws(OrchestratorError) {
        try perform(.delete("api-keys/\(APICall.escaped(id))"))
    }

    // MARK: - Audit

    /// The newest audit rows below number `before`, newest first.
    ///
    /// - Parameter limit: how many at most; the controller gives 500 and less at once.
    public func audit(before: UInt64? = nil, limit: Int) throws(OrchestratorError) -> [AuditEvent] {
        var rows: [AuditEvent] = []
        var before = before
        while rows.count < limit {
            let page: Page<AuditEvent> = try call(
                .get("audit").asking("before", before.map { "\($0)" })
                    .asking("limit", "\(min(500, limit - rows.count))"))
            rows += page.items
            guard page.next != nil, let last = page.items.last else { break }
            before = last.number
        }
        return rows
    }

    /// Audit rows with a number above `after`, oldest first: one page, empty at the end.
    public func auditRows(after number: UInt64) throws(OrchestratorError) -> [AuditEvent] {
        let page: Page<AuditEvent> = try call(
            .get("audit/rows").asking("after", "\(number)").asking("limit", "1000"))
        return page.items
    }

    /// Checkpoints that cover more than `after` rows, oldest first: one page, empty at the end.
    public func auditCheckpoints(after number: UInt64) throws(OrchestratorError) -> [AuditMark] {
        let page: Page<AuditMark> = try call(
            .get("audit/checkpoints").asking("after", "\(number)").asking("limit", "1000"))
        return page.items
    }

    /// Where the audit log begins, signed; nil for a log that is whole.
    public func auditBeginning() throws(OrchestratorError) -> AuditMark? {
        do throws(OrchestratorError) {
            return try call(.get("audit/beginning"))
        } catch {
            // Controllers of before have no such route, and remove nothing.
            guard error.problem?.status == 404 else { throw error }
            return nil
        }
    }

    /// How long what is collected is kept, and what would go now.
    ///
    /// - Parameter choice: settings to ask about instead of those in force, by kind.
    public func retention(
        _ choice: [RetentionKind: KeptTime] = [:]
    ) throws(OrchestratorError) -> RetentionResource {
        var call = APICall.get("retention")
        for kind in RetentionKind.allCases { call = call.asking(kind.rawValue, choice[kind]?.description) }
        return try self.call(call)
    }

    /// How long the audit log is now, signed.
    public func auditHead() throws(OrchestratorError) -> AuditMark {
        try call(.get("audit/head"))
    }
}

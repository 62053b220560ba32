public import Fleet
import ModelTrust
import Rollouts
public import WireFormat

extension FleetController {
    // MARK: - What devices call

    /// See ``FleetOperations``.
    public func heartbeat(_ heartbeat: Heartbeat, from device: DeviceID) throws -> HeartbeatReply {
        let state = state
        guard let known = state.devices[device], known.retiredAt == nil else { throw Problem.unknownDevice(device) }
        let now = now
        fleetMetrics.heartbeat(heartbeat, at: now)
        var reply = ingest.take(heartbeat, from: device, at: now)
        reply.keySet = state.keySets.last?.number
        reply.standing = known.standing
        return reply
    }

    /// See ``FleetOperations``.
    public func assignments(of id: DeviceID) throws -> AssignmentSet {
        let state = state
        guard let device = state.devices[id] else { throw Problem.unknownDevice(id) }
        if let bar = device.bar { throw Problem.barred(id, bar) }
        let signed = try device.slots.filter { $0.number > 0 }.map { slot in
            try surroundings.cryptography.sign(state.claims(for: slot, of: device, at: now))
        }
        return AssignmentSet(number: device.assignmentNumber, assignments: signed)
    }

    /// See ``FleetOperations``.
    public func report(_ batch: ReportBatch, from id: DeviceID) throws -> ReportReceipt {
        guard batch.reports.count <= 100 else {
            throw Problem.invalid([FieldFault(field: "reports", remedy: "send at most 100 reports at once")])
        }
        var fresh: [AttemptReport] = []
        let receipt = try transact { draft in
            guard var device = draft.state.devices[id] else { throw Problem.unknownDevice(id) }
            for report in batch.reports.sorted(by: { $0.sequence < $1.sequence })
            where report.sequence > device.reportsAcknowledged {
                device.reportsAcknowledged = report.sequence
                fresh.append(report)
            }
            draft.put(device)
            for report in fresh { draft.took(report, from: id) }
            return ReportReceipt(acknowledged: device.reportsAcknowledged)
        }
        for report in fresh { fleetMetrics.attempt(report) }
        return receipt
    }

    /// See ``FleetOperations``.
    public func history(_ upload: HistoryUpload, from device: DeviceID) throws {
        guard upload.points.count <= HistoryUpload.pointLimit else {
            throw Problem.invalid([
                FieldFault(field: "points", remedy: "send at most \(HistoryUpload.pointLimit) points at once")
            ])
        }
        guard state.devices[device] != nil else { throw Problem.unknownDevice(device) }
        fleetMetrics.late(UInt64(ingest.take(upload, from: device, at: now)))
    }

    // MARK: - What operators call

    /// See ``FleetOperations``.
    public func devices(matching selector: Selector, after: DeviceID?, limit: Int) -> Page<DeviceResource> {
        let state = state
        let matching = state.devices.values.filter { device in
            selector.matches(device.labels) && (after.map { device.id > $0 } ?? true)
        }.sorted { $0.id < $1.id }
        let page = matching.prefix(limit)
        return Page(
            items: page.map { resource($0, in: state) },
            next: matching.count > page.count ? page.last?.id.rawValue : nil)
    }

    /// See ``FleetOperations``.
    public func device(_ id: DeviceID) throws -> DeviceResource {
        let state = state
        guard let device = state.devices[id] else { throw Problem.unknownDevice(id) }
        return resource(device, in: state)
    }

    /// See ``FleetOperations``.
    public func patch(_ id: DeviceID, _ patch: DevicePatch, by caller: Caller) throws -> DeviceResource {
        try transact { draft in
            guard var device = draft.state.devices[id] else { throw Problem.unknownDevice(id) }
            device.labels = patch.labels
            draft.put(device)
            draft.audit(caller.auditName, "device.label", "device/\(id)", ["labels": patch.labels.description])
            draft.reconcile(id)
        }
        return try device(id)
    }

    /// See ``FleetOperations``.
    public func retire(_ id: DeviceID, by caller: Caller) throws {
        try transact { draft in
            guard var device = draft.state.devices[id] else { throw Problem.unknownDevice(id) }
            guard device.retiredAt == nil else { return }
            device.retiredAt = draft.now
            draft.put(device)
            draft.changesCredentials = true
            draft.audit(caller.auditName, "device.retire", "device/\(id)")
            draft.eachActiveRollout { rollout, now in rollout.deviceRetired(id, at: now) }
        }
    }

    private func resource(_ device: StoredDevice, in state: FleetState) -> DeviceResource {
        let status = ingest.status(of: device.id)
        let telemetry = ingest.telemetry(of: device.id)
        var resource = DeviceResource(
            id: device.id, labels: device.labels,
            state: device.retiredAt == nil ? status.connectivity(at: now) : .retired,
            enrolledAt: device.enrolledAt, lastHeartbeatAt: telemetry.lastHeartbeatAt,
            assignment: device.assignmentNumber,
            agentVersion: device.agentVersion, problems: status.problems, totals: telemetry.lifetime)
        resource.keySet = status.keySet
        resource.standing = device.standing
        resource.slots = device.slots.map { slot in
            let said = status.slots.first { $0.model == slot.model }
            var shown = DeviceResource.Slot(
                model: slot.model, arm: state.arm(of: device.id, slot: slot), healthy: said?.healthy ?? false)
            shown.running = (said?.digest ?? slot.running).map(state.label)
            shown.assigned = slot.run.map { VersionLabel(name: $0.name, digest: $0.digest) }
            shown.fallback = slot.fallback.map { VersionLabel(name: $0.name, digest: $0.digest) }
            shown.deployment = slot.deployment
            shown.rollout = slot.rollout
            shown.step = said?.step
            shown.failed = slot.failedReason
            return shown
        }
        return resource
    }
}

extension FleetState {
    /// How long an assignment may be installed by, in seconds: a day; expiry never stops serving.
    static let assignmentLifetimeSeconds: Int64 = 86_400

    /// What the controller signs about one slot.
    func claims(for slot: StoredSlot, of device: StoredDevice, at now: Timestamp) -> AssignmentClaims {
        let issuedAt = now.milliseconds / 1000
        let frozen = slot.deployment.flatMap { deployments[$0] }.flatMap { self.policy(for: $0) } ?? Self.standardPolicy
        return AssignmentClaims(
            device: device.id, number: slot.number, model: slot.model,
            run: slot.run.map { run in
                AssignmentClaims.Target(
                    version: run.name, digest: run.digest,
                    sizeBytes: versions[run.digest]?.files.reduce(0) { $0 + $1.sizeBytes } ?? 0)
            },
            fallback: slot.fallback.map { AssignmentClaims.Fallback(version: $0.name, digest: $0.digest) },
            deployment: slot.deployment, rollout: slot.rollout,
            reinstall: slot.rollout.flatMap { rollouts[$0]?.rollout.isPlacebo } ?? false,
            retry: slot.retry ?? 0,
            updatingSeconds: UInt64(frozen.updateSeconds), issuedAt: issuedAt,
            expiresAt: issuedAt + Self.assignmentLifetimeSeconds)
    }

    /// The arm a device's slot is in: canary once told to run the new version, baseline while on a step's list.
    ///
    /// A placebo rollout has no new version: its devices count as those outside any rollout.
    func arm(of device: DeviceID, slot: StoredSlot) -> String {
        guard let name = slot.deployment, let tracked = activeRollout(of: name), tracked.rollout.from != nil,
            !tracked.rollout.isPlacebo
        else {
            return "stable"
        }
        if let member = tracked.rollout.members[device], member.wasCommanded { return "canary" }
        return tracked.listed.contains(device) ? "baseline" : "stable"
    }
}

public import Fleet
import ModelTrust
import Rollouts
public import WireFormat

extension FleetController {
    /// See ``FleetOperations``.
    ///
    /// A device that waits for approval is noted and told so; it asks again with the same token and the same key, and
    /// has no credential before a person has approved it.
    public func enrol(_ request: EnrolmentRequest) throws -> EnrolmentReply {
        let hash = surroundings.cryptography.digest(Array(request.token.utf8))
        let answer: Result<EnrolmentReply, Problem> = try transact { draft in
            guard let token = draft.state.tokens.values.first(where: { $0.hash == hash }) else {
                throw Problem.enrolmentRefused
            }
            if let existing = draft.state.devices[request.device] {
                if existing.askedWith == token.id, existing.retiredAt == nil {
                    return try askedAgain(existing, request, token, in: &draft)
                }
                guard existing.isReplaced(by: token) else {
                    throw Problem.deviceExists(existing.id, retired: existing.retiredAt != nil)
                }
            }
            return try asked(request, token, in: &draft)
        }
        return try answer.get()
    }

    /// A device asks for the first time, or a new board for the identity of an old one.
    private func asked(
        _ request: EnrolmentRequest, _ token: StoredToken, in draft: inout FleetDraft
    ) throws -> Result<EnrolmentReply, Problem> {
        guard token.usesLeft > 0, token.expiresAt > draft.now,
            token.replaces == nil || draft.state.devices[request.device] != nil
        else { throw Problem.enrolmentRefused }
        let certificate = try issued(request.certificateRequest, to: request.device, at: draft.now)
        guard token.lists(request.device, key: certificate?.key) else { throw Problem.notListed(request.device) }
        var used = token
        used.usesLeft -= 1
        draft.state.tokens[token.id] = used
        draft.add(.token(used))
        var device = StoredDevice(
            id: request.device, tokenHash: .zero,
            labels: try request.labels.overridden(by: token.labels), enrolledAt: draft.now,
            agentVersion: String(request.agentVersion.prefix(64)))
        device.certificateKey = certificate?.key
        // The controller before may have ordered more of a device that it alone knew.
        device.assignmentNumber = draft.state.numberFloor
        if let old = draft.state.devices[request.device] { device.takePlace(of: old) }
        guard token.approval == .manual else {
            return .success(admit(device, certificate, by: token, in: &draft))
        }
        device.askedWith = token.id
        let standing = DeviceStanding(
            .awaitingApproval, reason: "the enrolment token \(token.id) asks for a person's approval",
            since: draft.now, by: "controller")
        device.standing = standing
        draft.put(device)
        draft.audit("device:\(request.device)", "device.ask", "device/\(request.device)", ["token": token.id])
        return .failure(.awaitingApproval(request.device))
    }

    /// A device that has no credential yet asks again: its token may have ended meanwhile, its key may not change.
    private func askedAgain(
        _ device: StoredDevice, _ request: EnrolmentRequest, _ token: StoredToken, in draft: inout FleetDraft
    ) throws -> Result<EnrolmentReply, Problem> {
        let certificate = try issued(request.certificateRequest, to: device.id, at: draft.now)
        guard certificate?.key == device.certificateKey else {
            throw Problem.deviceExists(device.id, retired: false)
        }
        switch device.standing?.kind {
        case .approved:
            var admitted = device
            admitted.askedWith = nil
            admitted.standing = nil
            return .success(admit(admitted, certificate, by: token, in: &draft))
        case .rejected: return .failure(.enrolmentRejected(device.id, reason: device.standing?.reason ?? ""))
        case .awaitingApproval, .quarantined, .revoked, .replacing, nil: return .failure(.awaitingApproval(device.id))
        }
    }

    private func admit(
        _ admitted: StoredDevice, _ certificate: (pem: String, key: Digest)?, by token: StoredToken,
        in draft: inout FleetDraft
    ) -> EnrolmentReply {
        var device = admitted
        let secret = "edt_" + Base64.url.encode(surroundings.cryptography.randomBytes(32))
        device.tokenHash = surroundings.cryptography.digest(Array(secret.utf8))
        draft.put(device)
        if token.replaces == device.id {
            draft.newMachines.insert(device.id)
            draft.add(.telemetry(StoredTelemetry(device: device.id)))
        }
        draft.changesCredentials = true
        draft.audit(
            "device:\(device.id)", token.replaces == device.id ? "device.take_over" : "device.enrol",
            "device/\(device.id)", ["token": token.id])
        draft.reconcile(device.id)
        // Nobody learns the token of a device with a certificate: its hash opens nothing.
        return EnrolmentReply(
            deviceToken: certificate == nil ? secret : nil, certificate: certificate?.pem,
            assignmentKey: surroundings.cryptography.assignmentKeyPEM,
            publisherKeys: draft.state.publisherKeys.values.map(\.pem).sorted())
    }

    private func issued(
        _ request: String?, to device: DeviceID, at now: Timestamp
    ) throws -> (pem: String, key: Digest)? {
        guard let request else { return nil }
        do {
            return try surroundings.cryptography.issueCertificate(request: request, to: device, at: now)
        } catch {
            throw Problem.invalid([FieldFault(field: "certificateRequest", remedy: "\(error)")])
        }
    }

    /// See ``FleetOperations``.
    ///
    /// A device that joined with a bearer token gets its first certificate here: from then on its token gets it
    /// certificates for that key, and nothing else.
    public func renewCertificate(_ renewal: CertificateRenewal, of id: DeviceID) throws -> DeviceCertificate {
        guard let device = state.devices[id], device.retiredAt == nil else { throw Problem.unknownDevice(id) }
        guard let certificate = try issued(renewal.certificateRequest, to: id, at: now),
            device.certificateKey == nil || device.certificateKey == certificate.key
        else {
            throw Problem.conflict(
                "certificate_not_renewed",
                "device \(id) has no certificate for this key here; enrol it anew under another id")
        }
        if device.certificateKey == nil {
            try transact { draft in
                guard var moved = draft.state.devices[id], moved.certificateKey == nil else { return }
                moved.certificateKey = certificate.key
                moved.leftBearerToken = true
                draft.put(moved)
                draft.audit("device:\(id)", "device.certify", "device/\(id)", ["key": certificate.key.hex])
            }
        }
        return DeviceCertificate(certificate: certificate.pem)
    }
}

extension EnrolmentTokenRequest {
    /// What is wrong with the list of devices.
    var listFaults: [FieldFault] {
        let count = (devices?.count ?? 0) + (deviceKeys?.count ?? 0)
        if count > 10_000 { return [FieldFault(field: "devices", remedy: "list at most 10000 devices and keys")] }
        if approval == .listed, count == 0 {
            return [FieldFault(field: "devices", remedy: "list the devices or deviceKeys that may use the token")]
        }
        guard approval != .listed, count > 0 else { return [] }
        return [FieldFault(field: "approval", remedy: "use \"listed\" with a list of devices or keys")]
    }
}

extension StoredToken {
    /// Whether a device may use the token, as far as its list goes.
    fileprivate func lists(_ device: DeviceID, key: Digest?) -> Bool {
        guard approval == .listed else { return replaces == nil || replaces == device }
        if devices?.contains(device) == true { return true }
        guard let key else { return false }
        return deviceKeys?.contains(key) == true
    }
}

extension StoredDevice {
    /// Whether the token is for a new board with this identity.
    fileprivate func isReplaced(by token: StoredToken) -> Bool {
        retiredAt == nil && standing?.kind == .replacing && token.replaces == id
    }

    /// A new board goes on where the old one was: its labels, and assignments with growing numbers; nothing runs yet.
    fileprivate mutating func takePlace(of old: StoredDevice) {
        labels = old.labels
        assignmentNumber = old.assignmentNumber
        slots = old.slots.map { slot in
            var fresh = slot
            fresh.running = nil
            fresh.failedReason = nil
            return fresh
        }
    }
}

extension Labels {
    /// These labels with `pinned` laid over them.
    fileprivate func overridden(by pinned: Labels) throws -> Labels {
        var labels = self
        for label in pinned { try labels.set(label.key, to: label.value) }
        return labels
    }
}

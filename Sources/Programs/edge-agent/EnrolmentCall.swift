import Cryptography
import CurlClient
import DeviceAgent
import DeviceFiles
import DeviceUpdates
import EdgeOrchestrator
import Fleet
import FoundationEssentials
import ModelTrust
import WireFormat

/// Why a device could not join.
struct EnrolmentFault: Error, CustomStringConvertible {
    let description: String
}

/// Joins the fleet once; afterwards the membership on disk counts.
struct EnrolmentCall {
    let configuration: AgentConfiguration
    let files: StateDirectory
    let log: StandardErrorLog

    /// The membership; nil when a stop came first.
    ///
    /// A controller that cannot be reached is asked again for ever; one that refuses ends the agent.
    func membership(unless isStopped: () -> Bool) throws -> Membership? {
        let store = MembershipStore(files: files)
        if let membership = try store.load() {
            guard membership.identity.device == configuration.settings.device else {
                throw EnrolmentFault(
                    description: "the state directory belongs to device \(membership.identity.device), not "
                        + "\(configuration.settings.device); use --device \(membership.identity.device) or "
                        + "another --state"
                )
            }
            // The first heartbeat tells what holds now.
            try StandingStore(files: files).clear()
            return membership
        }
        let token = try parsedToken()
        guard let url = configuration.controllerURL ?? token.pins.controllerURL else {
            throw EnrolmentFault(description: "the enrolment token names no controller; give --controller")
        }
        var backoff = Backoff(firstSeconds: 1, limitSeconds: 60)
        while !isStopped() {
            do {
                let membership = try enrol(token, url)
                try store.save(membership)
                try StandingStore(files: files).clear()
                log.note(.info, "enrolled", ["device": "\(configuration.settings.device)", "controller": url])
                return membership
            } catch let problem as Problem where problem.isAwaitingApproval {
                try note(problem)
                log.note(.warning, "approval_awaited", ["detail": problem.detail])
                waitForApproval(unless: isStopped)
            } catch let problem as Problem where problem.status == 403 {
                try note(problem)
                throw problem
            } catch let error where Self.isTemporary(error) {
                log.note(.warning, "enrolment_retried", ["error": "\(error)"])
                Doorbell().wait(seconds: max(0.2, backoff.failed(chance: Double.random(in: 0..<1))))
            }
        }
        return nil
    }

    private func note(_ problem: Problem) throws {
        try StandingStore(files: files).told(
            kind: problem.code, reason: problem.detail,
            at: Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)))
    }

    /// As long as the controller's Retry-After, spread by a third, and no longer than until a stop.
    private func waitForApproval(unless isStopped: () -> Bool) {
        let end = Date(timeIntervalSinceNow: Problem.approvalRetrySeconds * Double.random(in: 1...1.33))
        while !isStopped(), Date() < end { Doorbell().wait(seconds: 0.2) }
    }

    private func parsedToken() throws -> EnrolmentToken {
        guard let text = configuration.token else {
            throw EnrolmentFault(
                description:
                    "this device is not enrolled and has no token; make one with `edgectl token create` and give "
                    + "it by --token-file or EDGE_AGENT_TOKEN")
        }
        return try EnrolmentToken(parsing: text)
    }

    private func enrol(_ token: EnrolmentToken, _ url: String) throws -> Membership {
        let authority = ControllerAuthority(configuration: configuration, files: files)
        try authority.establish(pin: token.pins.certificateAuthority, url: url)
        let connection = DeviceConnection(
            controllerURL: url, device: configuration.settings.device, deviceToken: nil, tls: authority.tls)
        let reply = try connection.enrol(
            EnrolmentRequest(
                token: Base64.url.encode(token.secret), device: configuration.settings.device,
                labels: configuration.labels, agentVersion: EdgeAgent.version,
                certificateRequest: try certificateRequest(url)))
        guard let assignmentKey = try PublicKey.pinned([reply.assignmentKey], to: [token.pins.assignmentKey]).first
        else {
            throw EnrolmentFault(
                description: "the controller's assignment key is not the one the enrolment token pins: "
                    + "this is another controller, or its key was changed; nothing was stored")
        }
        let publishers = try PublicKey.pinned(reply.publisherKeys, to: token.pins.publisherKeys)
        guard !publishers.isEmpty else {
            throw EnrolmentFault(
                description: "the controller knows none of the publisher keys that the enrolment token pins; "
                    + "register the publisher's public key at the controller and make a new token")
        }
        // A set is followed once: a key of it that is missing now would be missing until the next set.
        let missing = Set(token.pins.publisherKeys).subtracting(publishers.map(\.fingerprint))
        guard token.pins.keySet == 0 || missing.isEmpty else {
            throw EnrolmentFault(
                description: "the controller does not know \(missing.count) of the publisher keys in key set "
                    + "\(token.pins.keySet), which the enrolment token pins; publish it with `edgectl key publish`")
        }
        return Membership(
            identity: DeviceIdentity(
                device: configuration.settings.device, deviceToken: reply.deviceToken,
                certificate: try reply.certificate.map(saved), controllerURL: url),
            keys: TrustedKeys(
                assignmentKey: assignmentKey.pem, publisherKeys: publishers.map(\.pem),
                recoveryKey: token.pins.recoveryKey, keySet: token.pins.keySet))
    }

    /// Asks for a certificate for the device's own key, over HTTPS.
    private func certificateRequest(_ url: String) throws -> String? {
        guard url.hasPrefix("https://"), !configuration.usesBearerToken else { return nil }
        let key = try MembershipStore(files: files).deviceKey { try SigningKey.generate().pem() }
        return try CertificateRequest.pem(for: try SigningKey(pem: key))
    }

    private func saved(_ certificate: String) throws -> String {
        try MembershipStore(files: files).saveCertificate(
            certificate, expiresAt: try Certificate(pem: certificate).expiresAt)
    }

    private static func isTemporary(_ error: any Error) -> Bool {
        if let problem = error as? Problem { return problem.status >= 500 || problem.status == 429 }
        return error is CurlError
    }
}

import Cryptography
import CurlClient
import DeviceAgent
import DeviceFiles
import EdgeOrchestrator
import Fleet
import FoundationEssentials
import Glibc
import WireFormat

/// Finds out what `edge-agent doctor` judges; every check goes on where the one before failed.
struct DeviceChecks {
    static let timeoutSeconds = 5.0

    let configuration: AgentConfiguration
    private let files: StateDirectory
    private let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))

    init(configuration: AgentConfiguration) {
        self.configuration = configuration
        files = StateDirectory(inspecting: URL(fileURLWithPath: configuration.statePath).standardizedFileURL.path)
    }

    func findings() -> [Finding] {
        let isRunning = StateDirectory.isInUse(files.root)
        var findings = [permissions()]
        findings.append(
            isRunning
                ? .fine("agent", "one runs on this state directory")
                : .warning("agent", "none runs on this state directory", advice: "start it: `edge-agent run`"))
        let membership = attempt("identity", &findings) { try MembershipStore(files: files).load() } ?? nil
        findings += identity(membership)
        let slot = attempt("state", &findings) { () throws -> AgentState in
            try AgentState(files: files, model: configuration.settings.model)
        }
        let (reached, controllerTime) = controller(membership)
        findings.append(reached)
        findings.append(Examination.clock(now: now, controller: controllerTime, lastContact: slot?.lastContact))
        if let free = attempt("disk", &findings, { () throws -> UInt64 in try files.freeBytes() }) {
            findings.append(
                Examination.disk(
                    freeBytes: free, reserveBytes: configuration.settings.reserveBytes,
                    versionBytes: slot?.currentBytes ?? 0))
        }
        findings.append(runtime(isRunning: isRunning))
        if let slot, let membership {
            findings +=
                attempt("state", &findings) { () throws -> [Finding] in
                    let trust = try trust(of: membership)
                    return try Examination.slot(slot, isRunning: isRunning) { digest in
                        try slot.isWhole(digest, files: files, verifier: trust)
                    }
                } ?? []
        }
        return findings
    }

    private func trust(of membership: Membership) throws -> some VersionVerifying {
        try DeviceTrust<PublicKey, SHA256>(
            membership.keys, device: membership.identity.device, files: files, hashing: SHA256())
    }

    private func attempt<Value>(
        _ check: String, _ findings: inout [Finding], _ body: () throws -> Value
    ) -> Value? {
        do {
            return try body()
        } catch {
            findings.append(
                .failure(check, "\(error)", advice: "mend or remove what cannot be read, and start the agent"))
            return nil
        }
    }

    private func permissions() -> Finding {
        guard let root = StateDirectory.permissions(of: files.root) else {
            return .warning(
                "state", "\(files.root) is not there", advice: "the first start makes it; its parent must be writable")
        }
        guard root.isOwn || geteuid() == 0 else {
            return .failure(
                "state", "\(files.root) belongs to another user", advice: "run as that user, or chown -R it")
        }
        for path in [StateLayout.deviceKey, "identity/enrol.json"] {
            if let found = StateDirectory.permissions(of: files.absolute(path)), found.mode & 0o077 != 0 {
                return .failure(
                    "state", "\(path) can be read by others",
                    advice: "chmod 600 \(files.absolute(path)), and replace "
                        + "the device's identity if somebody may have read it (`edgectl device replace`)")
            }
        }
        return root.mode & 0o022 == 0
            ? .fine("state", "\(files.root) is its owner's alone to write")
            : .failure("state", "\(files.root) can be written by others", advice: "chmod 700 \(files.root)")
    }

    private func identity(_ membership: Membership?) -> [Finding] {
        guard let membership else {
            return [
                .failure(
                    "identity", "the device is not enrolled",
                    advice: "make a token with `edgectl token create`, and start the agent with it (--token-file)")
            ]
        }
        var findings: [Finding] = []
        let keys = membership.keys.publisherKeys.count
        do {
            _ = try trust(of: membership)
            findings.append(.fine("identity", "\(membership.identity.device); \(keys) publisher key(s) are trusted"))
        } catch {
            findings.append(
                .failure("identity", "a trusted key cannot be read: \(error)", advice: "enrol the device anew"))
        }
        guard let path = membership.identity.certificate else {
            return findings + [.fine("certificate", "none: the device shows a bearer token")]
        }
        do {
            let text = try files.read(path) ?? []
            let certificate = try Certificate(pem: String(decoding: text, as: UTF8.self))
            let schedule = CertificateSchedule(startsAt: certificate.startsAt, expiresAt: certificate.expiresAt)
            findings.append(Examination.certificate(schedule, now: now))
        } catch {
            findings.append(
                .failure("certificate", "\(path) cannot be read: \(error)", advice: "enrol the device anew"))
        }
        return findings
    }

    /// Whether the controller is there and knows the device; and its clock.
    private func controller(_ membership: Membership?) -> (Finding, Timestamp?) {
        let url = configuration.controllerURL ?? membership?.identity.controllerURL
        guard let url else {
            return (.failure("controller", "nobody says where it is", advice: "give --controller"), nil)
        }
        let authority = ControllerAuthority(configuration: configuration, files: files)
        let tls = membership.map { authority.tls(for: $0.identity) } ?? authority.tls
        var request = CurlRequest(url: url + "/healthz")
        request.timeoutSeconds = Self.timeoutSeconds
        request.tls = tls
        let answer: CurlResponse
        do {
            answer = try CurlClient(userAgent: "edge-agent").send(request)
        } catch {
            let advice = "check the network, the address and its certificate authority; the device serves on meanwhile"
            return (.failure("controller", "\(url): \(error)", advice: advice), nil)
        }
        let time = answer.header("date").flatMap(HTTPDate.seconds).map { Timestamp(milliseconds: Int64($0) * 1000) }
        guard let membership else { return (.fine("controller", "\(url) answers"), time) }
        do {
            _ = try DeviceConnection(
                controllerURL: url, device: membership.identity.device, deviceToken: membership.identity.deviceToken,
                tls: tls
            ).assignments(known: nil, waitSeconds: 0)
            return (.fine("controller", "\(url) answers and knows the device"), time)
        } catch {
            let advice = "401 or 403: the device was retired or its identity is no longer taken; enrol it anew"
            return (.failure("controller", "\(url) answers, but not to the device: \(error)", advice: advice), time)
        }
    }

    private func runtime(isRunning: Bool) -> Finding {
        let settings = configuration.settings.runtime
        let place = "127.0.0.1:\(settings.port)\(settings.healthPath)"
        do {
            let reply = try RuntimeEndpoint(port: settings.port).get(settings.healthPath, timeoutSeconds: 2)
            guard reply.isSuccess else {
                return .failure(
                    "runtime", "\(place) answered \(reply.status)", advice: "see runtime.log in the state directory")
            }
            return .fine("runtime", "\(place) answered \(reply.status)")
        } catch {
            let advice = "see runtime.log in the state directory; check --runtime-command and --runtime-port"
            return isRunning
                ? .failure("runtime", "\(place): \(error)", advice: advice)
                : .warning("runtime", "\(place) does not answer, and no agent runs", advice: "start the agent")
        }
    }
}

internal import Cryptography
internal import CurlClient
internal import Fleet
internal import ModelTrust
internal import Synchronization
internal import WireFormat

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A device whose application talks to the controller itself, without the agent.
///
/// It registers, sends heartbeats with what it counts, and can ask which version it should run. It installs nothing by
/// itself, makes no backup, runs no smoke test and does not return to an earlier version by itself: an application that
/// wants those runs `edge-agent`. For a rollout to go on, the application loads what ``assignment(of:)`` says and tells
/// so by ``nowServing(_:)``.
public final class EdgeDevice: Sendable {
    /// The device's name.
    public let deviceID: String
    /// The controller's address.
    public let orchestratorURL: String

    let id: DeviceID
    let tls: CurlTLS
    let file: DeviceMembershipFile
    let state: Mutex<State>

    /// Everything that changes.
    struct State {
        var membership: DeviceMembership?
        var connection: DeviceConnection?
        /// Counts of the version that is served; nil while none is.
        var counts: InferenceCounts?
        var serving: RuntimeSeries?
        var book = SeriesBook()
        /// The number of the newest assignment that was carried out or refused.
        var accepted: UInt64 = 0
        var sequence: UInt64 = 0
        var boot: Int64 = 0
        var heartbeats: Task<Void, Never>?
        var health = HeartbeatHealth()
    }

    /// Connects nothing yet; a device that was registered from here before is registered still.
    ///
    /// - Parameters:
    ///   - deviceID: the device's name: letters, digits, `.`, `_` and `-`, at most 64.
    ///   - orchestratorURL: the controller's address, e.g. `https://controller:8443`.
    ///   - caFile: the certificate authority of the controller (PEM), where it is not one of the system's;
    ///     `EDGECTL_CA_FILE` by default.
    ///   - stateDirectory: where the credential is kept; `EDGE_STATE_DIRECTORY`, or `edge-orchestrator` below
    ///     `$XDG_STATE_HOME` or `~/.local/state`, by default.
    /// - Throws: ``OrchestratorError/invalidServer(_:)``, ``EdgeDeviceError``, `InvalidName`.
    public init(
        deviceID: String, orchestratorURL: String, caFile: String? = nil, stateDirectory: String? = nil
    ) throws {
        id = try DeviceID(deviceID)
        self.deviceID = deviceID
        let server = try Orchestrator.checked(orchestratorURL)
        self.orchestratorURL = server
        tls = CurlTLS(caFile: caFile ?? Environment["EDGECTL_CA_FILE"])
        file = DeviceMembershipFile(of: id, in: stateDirectory)
        let membership = try file.load()
        if let membership, membership.controller != server {
            throw EdgeDeviceError.otherController(registered: membership.controller, asked: server)
        }
        state = Mutex(State(membership: membership))
    }

    deinit {
        // The loop holds the device weakly and is the only one to end with it.
        state.withLock { $0.heartbeats?.cancel() }
    }

    // MARK: - Registering

    /// Joins the fleet; a device that has joined already stays as it is.
    ///
    /// - Parameters:
    ///   - hardwareInfo: becomes the device's labels, so that selectors find it: `hw=raspberry_pi_4`.
    ///   - token: an enrolment token (`eo1.…`), needed once; by default what the file of
    ///     `EDGE_ENROLMENT_TOKEN_FILE` or `EDGE_ENROLMENT_TOKEN` holds.
    /// - Throws: ``EdgeDeviceError``; `Problem` and `CurlError` from the controller and the network.
    public func register(hardwareInfo: [String: HardwareValue] = [:], token: String? = nil) async throws {
        guard state.withLock({ $0.membership == nil }) else { return }
        let labels = try Labels(hardware: hardwareInfo)
        let parsed = try Self.token(token)
        let membership = try await Blocking.run { [self] cancellation in
            try join(with: parsed, labels: labels, until: cancellation)
        }
        try file.save(membership)
        state.withLock { $0.membership = membership }
    }

    private static func token(_ given: String?) throws(EdgeDeviceError) -> EnrolmentToken {
        let text: String
        if let given {
            text = given
        } else if let path = Environment["EDGE_ENROLMENT_TOKEN_FILE"] {
            do throws(VersionSourceError) {
                text = try SmallFile.text(path, as: "enrolment token")
            } catch {
                throw .tokenUnusable(reason: error.description)
            }
        } else if let known = Environment["EDGE_ENROLMENT_TOKEN"] {
            text = known
        } else {
            throw .tokenUnusable(reason: "there is no enrolment token")
        }
        do throws(EnrolmentTokenRefusal) {
            return try EnrolmentToken(parsing: text)
        } catch {
            throw .tokenUnusable(reason: error.description)
        }
    }

    private func join(
        with token: EnrolmentToken, labels: Labels, until cancellation: CurlCancellation
    ) throws -> DeviceMembership {
        let connection = DeviceConnection(
            controllerURL: orchestratorURL, device: id, deviceToken: nil, tls: tls, client: Self.client)
        let request = EnrolmentRequest(
            token: Base64.url.encode(token.secret), device: id, labels: labels, agentVersion: "sdk")
        let reply = try Self.repeated(until: cancellation, where: { ($0 as? CurlError)?.wasUnsent == true }) {
            try connection.enrol(request)
        }
        guard let secret = reply.deviceToken else {
            throw EdgeDeviceError.notTrusted(reason: "the controller answered without a credential")
        }
        guard let key = PublicKey.read(pem: reply.assignmentKey), key.fingerprint == token.pins.assignmentKey else {
            throw EdgeDeviceError.notTrusted(
                reason: "the controller's assignment key is not the one that the enrolment token names")
        }
        let publishers = reply.publisherKeys.compactMap { PublicKey.read(pem: $0) }
            .filter { token.pins.publisherKeys.contains($0.fingerprint) }
        return DeviceMembership(
            controller: orchestratorURL, device: id, deviceToken: secret, assignmentKey: key.pem,
            publisherKeys: publishers.map(\.pem), lastStart: 0, reports: 0)
    }

    // MARK: - Parts

    static let client = CurlClient(userAgent: "EdgeOrchestrator")

    /// The connection of a registered device.
    func connection() throws -> DeviceConnection {
        try state.withLock { state in
            if let connection = state.connection { return connection }
            guard let membership = state.membership else { throw EdgeDeviceError.notRegistered(device: deviceID) }
            let made = DeviceConnection(
                controllerURL: orchestratorURL, device: id, deviceToken: membership.deviceToken, tls: tls,
                client: Self.client)
            state.connection = made
            return made
        }
    }

    /// Changes what is kept on disk; what is written counts.
    func changeMembership<Value>(_ change: (inout DeviceMembership) -> Value) throws -> Value {
        try state.withLock { state in
            guard var membership = state.membership else { throw EdgeDeviceError.notRegistered(device: deviceID) }
            let value = change(&membership)
            try file.save(membership)
            state.membership = membership
            return value
        }
    }

    /// Repeats a call that failed in passing, as ``RetryPolicy/standard`` says.
    static func repeated<Value>(
        until cancellation: CurlCancellation, where mayRepeat: (any Error) -> Bool = isTransient,
        _ call: () throws -> Value
    ) throws -> Value {
        let clock = ContinuousClock()
        let start = clock.now
        var failures = 0
        while true {
            do {
                return try call()
            } catch {
                failures += 1
                let pause = RetryPolicy.standard.pause(
                    afterFailure: failures, asked: (error as? Problem)?.retryAfterSeconds,
                    elapsed: (clock.now - start) / .seconds(1), chance: .random(in: 0..<1))
                guard let pause, mayRepeat(error), !cancellation.isCancelled else { throw error }
                Orchestrator.sleep(seconds: pause, cancellation)
            }
        }
    }

    /// Whether the same call may succeed later without a change.
    static func isTransient(_ error: any Error) -> Bool {
        switch error {
        case let problem as Problem: problem.isTransient
        case let error as CurlError: error.isRetryable
        default: false
        }
    }

    static var milliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
}

/// How the heartbeats of a device fare.
public struct HeartbeatHealth: Sendable {
    /// How many in a row failed; 0 while they arrive.
    public internal(set) var failures = 0
    /// Why the last one failed, as a sentence without secrets; nil while they arrive.
    public internal(set) var lastFailure: String?
    /// Whether any has arrived since the start.
    public internal(set) var hasArrived = false
}

public import CurlClient
public import Fleet
internal import Synchronization
public import WireFormat

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A device's connection to its controller: every call blocks its thread, for a bounded time.
///
/// Calls throw ``WireFormat/Problem`` where the controller answers with one, ``CurlClient/CurlError`` where it does not
/// answer. It may be used from several threads at once.
public final class DeviceConnection: Sendable {
    /// How long a call other than a long poll or a download may take, seconds.
    public static let timeoutSeconds = 10.0
    /// What a long poll may take beyond its wait, seconds.
    public static let pollMarginSeconds = 10.0
    /// A download slower than this is given up, bytes per second.
    public static let slowestBytesPerSecond = 1024

    private let controllerURL: String
    private let device: DeviceID
    private let deviceToken: Mutex<String?>
    private let tls: Mutex<CurlTLS>
    private let client: CurlClient
    private let cancellation = CurlCancellation()

    /// Connects nothing yet.
    ///
    /// - Parameters:
    ///   - controllerURL: the controller's address without a path, e.g. `https://controller:8443`.
    ///   - deviceToken: the device's bearer token; nil before it is enrolled.
    public init(
        controllerURL: String, device: DeviceID, deviceToken: String?, tls: CurlTLS = CurlTLS(),
        client: CurlClient = CurlClient(userAgent: "edge-agent")
    ) {
        self.controllerURL = controllerURL.hasSuffix("/") ? String(controllerURL.dropLast()) : controllerURL
        self.device = device
        self.deviceToken = Mutex(deviceToken)
        self.tls = Mutex(tls)
        self.client = client
    }

    /// Uses other files from the next call on.
    public func use(_ tls: CurlTLS) {
        self.tls.withLock { $0 = tls }
    }

    /// Sends no bearer token from the next call on: the certificate is the credential.
    public func dropToken() {
        deviceToken.withLock { $0 = nil }
    }

    /// Breaks off every call, those to come as well.
    public func cancel() { cancellation.cancel() }

    /// Joins the fleet.
    public func enrol(_ enrolment: EnrolmentRequest) throws -> EnrolmentReply {
        try decoded(try send(post("/v1/enrolments", enrolment)))
    }

    /// Fetches the controller's certificate authority, PEM.
    ///
    /// Asked before the controller can be verified: compare the fingerprint with one from elsewhere.
    public func certificateAuthority() throws -> String {
        String(decoding: try send(get("/v1/certificate-authority")).body, as: UTF8.self)
    }

    /// Renews the device's certificate.
    public func renewCertificate(_ renewal: CertificateRenewal) throws -> DeviceCertificate {
        try decoded(try send(post("/v1/devices/\(device)/certificate", renewal)))
    }

    /// Sends a heartbeat.
    public func send(_ heartbeat: Heartbeat) throws -> HeartbeatReply {
        try decoded(try send(post("/v1/devices/\(device)/heartbeats", heartbeat)))
    }

    /// Fetches the device's assignments.
    ///
    /// - Parameters:
    ///   - known: the number the device has; the controller then waits for a newer one. Nil is answered at once.
    ///   - waitSeconds: how long the controller may hold the request.
    /// - Returns: nil when nothing is newer.
    public func assignments(known: UInt64?, waitSeconds: Int) throws -> AssignmentSet? {
        var request = get("/v1/devices/\(device)/assignment")
        if let known { request.headers.append((name: "If-None-Match", value: "\"\(known)\"")) }
        if waitSeconds > 0 { request.headers.append((name: "Prefer", value: "wait=\(waitSeconds)")) }
        request.timeoutSeconds = Double(waitSeconds) + Self.pollMarginSeconds
        let response = try send(request)
        return response.status == 304 ? nil : try decoded(response)
    }

    /// Fetches a version's description.
    public func version(_ digest: Digest) throws -> VersionResource {
        try decoded(try send(get("/v1/versions/\(digest)")))
    }

    /// Fetches some bytes of a file of that size.
    ///
    /// - Parameters:
    ///   - bytesPerSecond: no faster than this; nil for no limit.
    ///   - sink: gets what comes with its offset, which begins with 0 where the controller sends the whole file.
    /// - Throws: ``ArtifactAnswerFault`` for an answer that is no part of that file, beside what calls throw.
    public func artifact(
        _ digest: Digest, bytes wanted: Range<UInt64>, of sizeBytes: UInt64, bytesPerSecond: Int? = nil,
        sink: @escaping (UInt64, [UInt8]) throws -> Void
    ) throws {
        var request = get("/v1/artifacts/\(digest)")
        request.timeoutSeconds = nil
        request.lowSpeedLimitBytesPerSecond = Self.slowestBytesPerSecond
        request.highestBytesPerSecond = bytesPerSecond
        if wanted != 0..<sizeBytes, !wanted.isEmpty {
            request.headers.append((name: "Range", value: "bytes=\(wanted.lowerBound)-\(wanted.upperBound - 1)"))
            request.headers.append((name: "If-Range", value: "\"\(digest)\""))
        }
        let delivery = Delivery()
        try client.download(request, cancellation: cancellation) { head in
            delivery.status = head.status
            delivery.retryAfter = head.headers["retry-after"]
            delivery.position = try ArtifactAnswer(head, digest: digest, sizeBytes: sizeBytes).start(of: wanted)
        } to: { piece in
            guard (200..<300).contains(delivery.status) else {
                delivery.refusal += piece.prefix(max(0, 64 << 10 - delivery.refusal.count))
                return
            }
            try sink(delivery.position, piece)
            delivery.position += UInt64(piece.count)
        }
        guard (200..<300).contains(delivery.status) else {
            throw problem(status: delivery.status, body: delivery.refusal, retryAfter: delivery.retryAfter)
        }
    }

    /// Fetches the publishers' key sets with a larger number, in order, at most a page of them.
    public func keySets(after number: UInt64) throws -> [KeySetResource] {
        let page: Page<KeySetResource> = try decoded(try send(get("/v1/key-sets?after=\(number)")))
        return page.items
    }

    /// Tells when a series counted what came late.
    public func send(_ history: HistoryUpload) throws {
        _ = try send(post("/v1/devices/\(device)/history", history))
    }

    /// Sends reports.
    public func report(_ batch: ReportBatch) throws -> ReportReceipt {
        try decoded(try send(post("/v1/devices/\(device)/reports", batch)))
    }

    // MARK: Requests

    private func get(_ path: String) -> CurlRequest {
        request("GET", path)
    }

    private func post(_ path: String, _ body: some Encodable) throws -> CurlRequest {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        var request = request("POST", path)
        request.body = .bytes([UInt8](try encoder.encode(body)))
        request.headers.append((name: "Content-Type", value: "application/json"))
        return request
    }

    private func request(_ method: String, _ path: String) -> CurlRequest {
        var request = CurlRequest(method: method, url: controllerURL + path)
        if let deviceToken = deviceToken.withLock({ $0 }) {
            request.headers.append((name: "Authorization", value: "Bearer \(deviceToken)"))
        }
        request.timeoutSeconds = Self.timeoutSeconds
        request.tls = tls.withLock { $0 }
        return request
    }

    private func send(_ request: CurlRequest) throws -> CurlResponse {
        let response = try client.send(request, cancellation: cancellation)
        guard (200..<300).contains(response.status) || response.status == 304 else {
            throw problem(
                status: response.status, body: response.body, retryAfter: response.header("retry-after"))
        }
        return response
    }

    private func decoded<Value: Decodable>(_ response: CurlResponse) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(response.body))
        } catch {
            throw Problem(
                code: "reply_unreadable", title: "The reply cannot be read", status: 502,
                detail: "the controller's reply is not a \(Value.self): \(error)")
        }
    }

    private func problem(status: Int, body: [UInt8], retryAfter: String?) -> Problem {
        var told =
            (try? JSONDecoder().decode(Problem.self, from: Data(body)))
            ?? Problem(
                code: "http_\(status)", title: "The controller refused", status: status,
                detail: "the controller answered with status \(status)")
        told.status = status
        // A date, which RFC 9110 allows as well, is not worth a clock that may be wrong.
        told.retryAfterSeconds = retryAfter.flatMap(Double.init).flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
        return told
    }
}

/// How far one download is; touched by the downloading thread only.
private final class Delivery {
    var status = 0
    var retryAfter: String?
    var position: UInt64 = 0
    var refusal: [UInt8] = []
}

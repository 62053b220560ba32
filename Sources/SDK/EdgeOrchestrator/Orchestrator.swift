public import CurlClient
internal import Glibc
internal import WireFormat

/// An operator's connection to a controller: one typed method per route under `/v1`.
///
/// Calls that are not `async` block their thread for a bounded time; do not make them from a task of Swift concurrency.
/// One connection may be used from several threads at once. Every call throws ``OrchestratorError``.
public final class Orchestrator: Sendable {
    /// The controller's address without a path and without a slash at its end.
    public let server: String
    /// How long a call other than an upload or a long poll may take, seconds.
    public static let timeoutSeconds = 30.0
    /// What a long poll may take beyond its wait, seconds.
    public static let pollMarginSeconds = 15.0

    /// How often calls are tried again.
    public let retries: RetryPolicy

    private let key: Secret?
    private let tls: CurlTLS
    private let client: CurlClient

    /// Connects nothing yet.
    ///
    /// - Parameters:
    ///   - server: the controller's address, e.g. `https://controller:8443`.
    ///   - key: an operator's API key (`eok_…`); nil for the open routes only. It is never part of an error.
    /// - Throws: ``OrchestratorError/invalidServer(_:)``.
    public init(
        server: String, key: String?, tls: CurlTLS = CurlTLS(), retries: RetryPolicy = .none,
        client: CurlClient = CurlClient(userAgent: "edgectl")
    ) throws(OrchestratorError) {
        self.server = try Self.checked(server)
        self.key = key.map(Secret.init)
        self.tls = tls
        self.retries = retries
        self.client = client
    }

    /// Connects nothing yet; calls are tried again as ``RetryPolicy/standard`` says.
    ///
    /// - Parameters:
    ///   - serverURL: the controller's address, e.g. `https://controller:8443`.
    ///   - apiKey: an operator's API key (`eok_…`). It is never part of an error, a log or a description.
    ///   - caFile: the certificate authority of the controller (PEM), where it is not one of the system's;
    ///     `EDGECTL_CA_FILE` by default.
    /// - Throws: ``OrchestratorError/invalidServer(_:)``.
    public convenience init(
        serverURL: String, apiKey: String, caFile: String? = nil, retries: RetryPolicy = .standard
    ) throws(OrchestratorError) {
        try self.init(
            server: serverURL, key: apiKey, tls: CurlTLS(caFile: caFile ?? Environment["EDGECTL_CA_FILE"]),
            retries: retries, client: CurlClient(userAgent: "EdgeOrchestrator"))
    }

    static func checked(_ server: String) throws(OrchestratorError) -> String {
        var text = server
        while text.hasSuffix("/") { text.removeLast() }
        guard let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) else {
            throw .invalidServer(server)
        }
        let host = text.dropFirst(scheme.count)
        let isPlain = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard !host.isEmpty, isPlain, !host.contains(where: { "/?#@".contains($0) }) else {
            throw .invalidServer(server)
        }
        return text
    }

    // MARK: - Calls, for the extensions

    /// Sends a call and reads the reply.
    func call<Reply: Decodable>(_ call: APICall) throws(OrchestratorError) -> Reply {
        let response = try send(call)
        return try WireJSON.decode(Reply.self, from: response.body, of: call.description)
    }

    /// Sends a call whose reply says nothing.
    func perform(_ call: APICall) throws(OrchestratorError) {
        _ = try send(call)
    }

    /// Sends a call, again where that helps; a status of 304 is an answer too.
    func send(_ call: APICall) throws(OrchestratorError) -> CurlResponse {
        let clock = ContinuousClock()
        let start = clock.now
        var failures = 0
        while true {
            let (response, failure) = attempt(call)
            if let response { return response }
            failures += 1
            let pause = retries.pause(
                afterFailure: failures, asked: failure.askedSeconds, elapsed: (clock.now - start) / .seconds(1),
                chance: .random(in: 0..<1))
            guard failure.mayBeRepeated(call), let pause else { throw failure.error }
            Self.sleep(seconds: pause, call.cancellation)
        }
    }

    private func attempt(_ call: APICall) -> (CurlResponse?, CallFailure) {
        do throws(CurlError) {
            let response = try client.send(request(call), cancellation: call.cancellation)
            let isAnswer = (200..<300).contains(response.status) || response.status == 304
            return (isAnswer ? response : nil, CallFailure(error: refusal(call, response), response: response))
        } catch {
            return (nil, CallFailure(error: failure(error), response: nil, wasUnsent: error.wasUnsent))
        }
    }

    /// Sleeps in pieces, so that a cancelled task does not wait for the end.
    static func sleep(seconds: Double, _ cancellation: CurlCancellation?) {
        var left = seconds
        while left > 0, cancellation?.isCancelled != true {
            usleep(UInt32(min(left, 0.1) * 1_000_000))
            left -= 0.1
        }
    }

    /// Collects every page of a list.
    func all<Item: Codable & Hashable & Sendable>(_ call: APICall) throws(OrchestratorError) -> [Item] {
        var items: [Item] = []
        var page = call
        while true {
            let reply: Page<Item> = try self.call(page)
            items += reply.items
            // A page that repeats its cursor would never end.
            guard let next = reply.next, page.query.last?.value != next else { return items }
            page.query = call.query + [(name: "after", value: next)]
        }
    }

    private func request(_ call: APICall) -> CurlRequest {
        var request = CurlRequest(method: call.method, url: server + call.target, headers: call.headers)
        if let key { request.headers.append((name: "Authorization", value: "Bearer \(key.text)")) }
        request.body = call.body
        request.timeoutSeconds = call.timeoutSeconds
        request.lowSpeedLimitBytesPerSecond = call.slowestBytesPerSecond
        request.maxResponseBytes = call.maxResponseBytes
        request.tls = tls
        return request
    }

    private func failure(_ error: CurlError) -> OrchestratorError {
        switch error {
        case .fileUnreadable: .fileUnreadable(error.description)
        case .invalidRequest, .transferFailed, .responseTooLarge, .cancelled:
            .unreachable(server: server, reason: error.description, isTransient: error.isRetryable)
        }
    }

    private func refusal(_ call: APICall, _ response: CurlResponse) -> OrchestratorError {
        guard var problem = WireJSON.problem(in: response.body), !problem.detail.isEmpty || !problem.title.isEmpty
        else {
            return .unexpectedAnswer(call.description, status: response.status)
        }
        problem.status = response.status
        problem.retryAfterSeconds = response.retryAfterSeconds
        return .problem(problem)
    }
}

/// Why one try of a call gave no result.
private struct CallFailure {
    let error: OrchestratorError
    let response: CurlResponse?
    var wasUnsent = false

    /// After how many seconds the sender asks to come back.
    var askedSeconds: Double? { response?.retryAfterSeconds }

    /// Whether the call can be sent again without harm and with hope.
    func mayBeRepeated(_ call: APICall) -> Bool {
        if call.cancellation?.isCancelled == true { return false }
        if wasUnsent { return error.isTransient }
        guard call.isRepeatable else { return false }
        return error.isTransient || error.problem?.code == "idempotency_key_busy"
    }
}

extension CurlResponse {
    /// `Retry-After` in seconds; a date, which RFC 9110 allows as well, is not worth a clock that may be wrong.
    var retryAfterSeconds: Double? {
        header("retry-after").flatMap(Double.init).flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
    }
}

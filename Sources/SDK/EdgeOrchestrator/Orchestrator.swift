public import CurlClient
internal import WireFormat

/// An operator's connection to a controller: one typed method per route under `/v1`.
///
/// Every call blocks its thread for a bounded time; do not call it from a task of Swift concurrency. One connection may
/// be used from several threads at once. Every call throws ``OrchestratorError``.
public final class Orchestrator: Sendable {
    /// The controller's address without a path and without a slash at its end.
    public let server: String
    /// How long a call other than an upload or a long poll may take, seconds.
    public static let timeoutSeconds = 30.0
    /// What a long poll may take beyond its wait, seconds.
    public static let pollMarginSeconds = 15.0

    private let key: String?
    private let tls: CurlTLS
    private let client: CurlClient

    /// Connects nothing yet.
    ///
    /// - Parameters:
    ///   - server: the controller's address, e.g. `https://controller:8443`.
    ///   - key: an operator's API key (`eok_…`); nil for the open routes only. It is never part of an error.
    /// - Throws: ``OrchestratorError/invalidServer(_:)``.
    public init(
        server: String, key: String?, tls: CurlTLS = CurlTLS(), client: CurlClient = CurlClient(userAgent: "edgectl")
    ) throws(OrchestratorError) {
        self.server = try Self.checked(server)
        self.key = key
        self.tls = tls
        self.client = client
    }

    private static func checked(_ server: String) throws(OrchestratorError) -> String {
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

    /// Sends a call; a status of 304 is an answer too.
    func send(_ call: APICall) throws(OrchestratorError) -> CurlResponse {
        let response: CurlResponse
        do throws(CurlError) {
            response = try client.send(request(call))
        } catch {
            throw failure(error)
        }
        guard (200..<300).contains(response.status) || response.status == 304 else {
            throw refusal(call, response)
        }
        return response
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
        if let key { request.headers.append((name: "Authorization", value: "Bearer \(key)")) }
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
        return .problem(problem)
    }
}

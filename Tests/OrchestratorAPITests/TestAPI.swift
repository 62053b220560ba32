import Fleet
import Foundation
import Orchestration
import Rollouts
import Synchronization
import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

/// Values that tests share.
enum Sample {
    static let now = Timestamp(milliseconds: 1_767_225_600_000)
    static let device = DeviceID(rawValue: "dev1")
    static let digest = String(repeating: "ab", count: 32)

    static func version(model: ModelName, version: VersionName) -> VersionResource {
        VersionResource(
            model: model, version: version, digest: TestAPI.digest([1]), releaseCounter: 1, metadata: [:], files: [],
            bundle: "{}", publisher: nil, createdAt: now, createdBy: "olga")
    }

    static func rollout(_ id: RolloutID) throws -> RolloutResource {
        let version = VersionReference(name: try VersionName("v1"), digest: TestAPI.digest([1]))
        return RolloutResource(
            id: id, deployment: try DeploymentName("digits"), model: try ModelName("digits"), from: nil, to: version,
            state: .progressing, step: 1, steps: 4, policy: Policy(name: try PolicyName("default")), createdAt: now)
    }
}

/// Keeps what the API tells.
final class RecordingObserver: APIObserver {
    struct Heard {
        var started = 0
        var finished: [RequestRecord] = []
        var refused: [AuthenticationFailure] = []
        var failed: [String] = []
        var limited = 0
    }

    let heard = Mutex(Heard())

    func requestStarted() { heard.withLock { $0.started += 1 } }
    func requestFinished(_ record: RequestRecord) { heard.withLock { $0.finished.append(record) } }
    func authenticationFailed(_ failure: AuthenticationFailure, by method: AuthenticationMethod) {
        heard.withLock { $0.refused.append(failure) }
    }
    func callLimited() { heard.withLock { $0.limited += 1 } }
    func requestFailed(handler: String, error: any Error) { heard.withLock { $0.failed.append(handler) } }
}

/// Whether workers take work.
final class Gate: Sendable {
    private let closed = Mutex(false)
    var isClosed: Bool { closed.withLock { $0 } }
    func close() { closed.withLock { $0 = true } }
}

/// Takes the one answer to a request.
final class Answer: Sendable {
    private let responses = Mutex<[WebResponse]>([])
    var all: [WebResponse] { responses.withLock { $0 } }
    func take(_ response: WebResponse) { responses.withLock { $0.append(response) } }
}

/// The API over a fake fleet; blocking work runs at once on the calling thread unless the gate is closed.
struct TestAPI: Sendable {
    let fleet = FakeFleet()
    let observer = RecordingObserver()
    let gate = Gate()
    let api: OrchestratorAPI

    init(
        servesMetrics: Bool = true, audience: Audience = .everyone, certificateAuthority: String? = nil,
        metricsNeedKey: Bool = false, callsPerSecond: Int? = nil
    ) {
        let gate = gate
        let metrics: @Sendable (String?) -> (contentType: String, bytes: [UInt8]) = { accept in
            (contentType: "text/plain", bytes: Array("for \(accept ?? "anyone")".utf8))
        }
        var surroundings = OrchestratorAPI.Surroundings(
            operations: fleet,
            submit: { job in
                guard !gate.isClosed else { return false }
                job()
                return true
            }, digest: { Self.digest($0) }, now: { Sample.now }, metrics: servesMetrics ? metrics : nil,
            audience: audience, certificateAuthority: certificateAuthority, observer: observer)
        surroundings.metricsNeedKey = metricsNeedKey
        surroundings.limiter = callsPerSecond.map { CallLimiter(.init(perSecond: $0)) }
        api = OrchestratorAPI(surroundings)
    }

    /// A stand-in for SHA-256: tells different bytes apart, which is all the API needs.
    static func digest(_ bytes: [UInt8]) -> Digest {
        var sums = [UInt8](repeating: 0, count: 32)
        for (index, byte) in bytes.enumerated() {
            sums[index % 32] = sums[index % 32] &* 31 &+ byte &+ UInt8(truncatingIfNeeded: index)
        }
        guard let digest = Digest(bytes: sums) else { preconditionFailure("32 bytes make a digest") }
        return digest
    }

    /// Sends a request and takes its one answer.
    func send(_ request: WebRequest) throws -> WebResponse {
        let answer = Answer()
        api.handle(request) { answer.take($0) }
        try #require(answer.all.count == 1, "a request is answered exactly once")
        return answer.all[0]
    }

    /// Sends a request as `who`, with a JSON body where one is given.
    func send(
        _ method: String, _ target: String, as who: String? = "eok_admin", json: String? = nil,
        headers: [String: String] = [:]
    ) throws -> WebResponse {
        try send(Self.request(method, target, as: who, json: json, headers: headers))
    }

    static func request(
        _ method: String, _ target: String, as who: String? = "eok_admin", json: String? = nil,
        headers: [String: String] = [:]
    ) -> WebRequest {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        var request = WebRequest(method: method, path: parts[0], headers: headers)
        if let who { request.headers["authorization"] = "Bearer \(who)" }
        if let json {
            request.body = Array(json.utf8)
            if request.headers["content-type"] == nil { request.headers["content-type"] = "application/json" }
        }
        for pair in (parts.count == 2 ? parts[1] : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            request.query.append((name: sides[0], value: sides.count == 2 ? sides[1] : ""))
        }
        return request
    }
}

extension WebResponse {
    /// The body as text; a file's as its place.
    var text: String {
        switch body {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .file(let path, let offset, let length): "\(path)[\(offset)+\(length)]"
        case .stream: "stream"
        }
    }

    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }

    /// The problem in the body.
    func problem() throws -> Problem {
        #expect(header("Content-Type") == "application/problem+json")
        let problem = try JSONDecoder().decode(Problem.self, from: Data(text.utf8))
        #expect(problem.status == status)
        return problem
    }

    func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }
}

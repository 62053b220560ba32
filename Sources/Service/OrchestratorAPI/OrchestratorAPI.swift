public import Fleet
import Foundation
public import Orchestration
import Synchronization
public import WebMessages
import WireFormat

/// The controller's HTTP API: from a request to a response, without a socket.
///
/// Routes that touch memory only answer on the calling thread; whatever may touch the store or the disk runs on a
/// worker (``Surroundings/submit``), so that no thread of the HTTP server ever blocks. The routes are data (``Route``),
/// and `openapi.yaml` describes exactly them.
public final class OrchestratorAPI: WebHandler {
    /// What the API stands on.
    public struct Surroundings: Sendable {
        /// The use cases.
        public var operations: any FleetOperations
        /// Runs work on a worker thread; false when the queue is full.
        ///
        /// ``WorkerPool/submit(_:)`` in a program.
        public var submit: @Sendable (@escaping @Sendable () -> Void) -> Bool
        /// SHA-256, for entity tags and the fingerprints of idempotent requests.
        public var digest: @Sendable ([UInt8]) -> Digest
        /// The time of day.
        public var now: @Sendable () -> Timestamp
        /// The metrics for a scraper's `Accept` field; nil where this listener serves none.
        public var metrics: (@Sendable (_ accept: String?) -> (contentType: String, bytes: [UInt8]))?
        /// Whether the metrics are for operators who may scrape only.
        public var metricsNeedKey = false
        /// Who this listener is for.
        public var audience: Audience
        /// The certificate authority of this controller, PEM; nil where it has none.
        public var certificateAuthority: String?
        /// How often each operator may call; nil for as often as it likes.
        public var limiter: CallLimiter?
        /// Who hears what was served.
        public var observer: any APIObserver

        /// Names the surroundings.
        public init(
            operations: any FleetOperations, submit: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool,
            digest: @escaping @Sendable ([UInt8]) -> Digest, now: @escaping @Sendable () -> Timestamp,
            metrics: (@Sendable (_ accept: String?) -> (contentType: String, bytes: [UInt8]))? = nil,
            audience: Audience = .everyone, certificateAuthority: String? = nil,
            observer: any APIObserver = SilentAPIObserver()
        ) {
            self.operations = operations
            self.submit = submit
            self.digest = digest
            self.now = now
            self.metrics = metrics
            self.audience = audience
            self.certificateAuthority = certificateAuthority
            self.observer = observer
        }
    }

    /// Bodies longer than this are read only after the caller is known.
    private static let anonymousBodyLimitBytes = 64 << 10

    let surroundings: Surroundings
    let replies = ReplayGuard()
    /// Held by worker threads between checking an `If-Match` and carrying out the change.
    let declarations = NSLock()
    private let table: RouteTable

    /// Makes the API.
    public init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
        table = RouteTable(Self.routes.filter { surroundings.audience.includes($0.audience) })
    }

    /// Every route, in the order of `openapi.yaml`.
    static let routes: [Route] =
        ServiceRoutes.all + DeviceRoutes.all + FleetRoutes.all + AccessRoutes.all + RegistryRoutes.all
        + ArtifactRoutes.all + DeclarationRoutes.all + RolloutRoutes.all + AuditRoutes.all + RetentionRoutes.all
        + TokenRoutes.all

    /// Decides from the header fields how much body is read; refuses what is wrong for certain.
    public func plan(_ request: WebRequest) -> WebBodyPlan {
        switch table.match(method: request.method, path: request.path) {
        case .route(let route, let parameters):
            let limit = route.body.limitBytes
            if let refusal = refusal(of: request, route, parameters) {
                return .refused(record(request, handler: route.template).finished(refusal))
            }
            return .buffered(limitBytes: limit)
        case .otherMethods(let allowed):
            return .refused(unmatched(request, allowed: allowed))
        case .unknownPath:
            return .refused(unmatched(request, allowed: []))
        }
    }

    /// Answers a request, now or later.
    public func handle(_ request: WebRequest, respond: @escaping @Sendable (WebResponse) -> Void) {
        switch table.match(method: request.method, path: request.path) {
        case .route(let route, let parameters):
            let record = record(request, handler: route.template)
            answer(request, route, parameters) { respond(record.finished($0)) }
        case .otherMethods(let allowed):
            respond(unmatched(request, allowed: allowed))
        case .unknownPath:
            respond(unmatched(request, allowed: []))
        }
    }

    private func record(_ request: WebRequest, handler: String) -> Recording {
        Recording(request, handler: handler, observer: surroundings.observer)
    }

    private func unmatched(_ request: WebRequest, allowed: [String]) -> WebResponse {
        let record = record(request, handler: "unmatched")
        guard !allowed.isEmpty else { return record.finished(.problem(.unknownRoute(request.path))) }
        var refusal = WebResponse.problem(.methodNotAllowed(request.method, request.path, allowed: allowed))
        refusal.headers.append((name: "Allow", value: allowed.joined(separator: ", ")))
        return record.finished(refusal)
    }

    /// Why a request is refused before its body is read.
    private func refusal(of request: WebRequest, _ route: Route, _ parameters: [String: String]) -> WebResponse? {
        let limit = route.body.limitBytes
        if let length = request.header("content-length").flatMap({ UInt64($0) }), length > UInt64(limit) {
            return .problem(.bodyTooLarge(limitBytes: limit))
        }
        guard limit > Self.anonymousBodyLimitBytes else { return nil }
        do {
            _ = try authorise(request, route, parameters)
            return nil
        } catch is IssuerKeysWanted {
            // The body is not read before its sender is known; the keys are there when it is sent again.
            _ = surroundings.submit { [operations = surroundings.operations] in operations.refreshIssuer() }
            return .problem(.overloaded)
        } catch {
            return response(to: error, handler: route.template)
        }
    }

    private func answer(
        _ request: WebRequest, _ route: Route, _ parameters: [String: String], isAgain: Bool = false,
        _ respond: @escaping @Sendable (WebResponse) -> Void
    ) {
        do {
            let caller = try authorise(request, route, parameters)
            try bound(caller)
            let call = Call(api: self, route: route, request: request, parameters: parameters, caller: caller)
            try call.checkQuery()
            try call.checkBody()
            try run(call, respond)
        } catch is IssuerKeysWanted where !isAgain {
            let isTaken = surroundings.submit { [self] in
                surroundings.operations.refreshIssuer()
                answer(request, route, parameters, isAgain: true, respond)
            }
            if !isTaken { respond(.problem(.overloaded)) }
        } catch {
            respond(response(to: error, handler: route.template))
        }
    }

    private func run(_ call: Call, _ respond: @escaping @Sendable (WebResponse) -> Void) throws {
        switch call.route.action {
        case .fast(let action):
            respond(try action(call))
        case .held(let action):
            try action(call, respond)
        case .blocking(let action):
            let isTaken = surroundings.submit { [self] in
                respond(response(of: call) { try replies.answering(call, action) })
            }
            if !isTaken { throw Problem.overloaded }
        }
    }

    /// What an action answers, or the problem it throws.
    func response(of call: Call, _ action: () throws -> WebResponse) -> WebResponse {
        do {
            return try action()
        } catch {
            return response(to: error, handler: call.route.template)
        }
    }

    private func response(to error: any Error, handler: String) -> WebResponse {
        if let problem = error as? Problem { return .problem(problem) }
        surroundings.observer.requestFailed(handler: handler, error: error)
        return .problem((error as? any StoreFaultError)?.fault.map(Problem.store) ?? .failed)
    }
}

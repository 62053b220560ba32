import Fleet
import Orchestration
import WebMessages
import WireFormat

extension OrchestratorAPI {
    /// Who calls, where the route lets them; nil on an open route.
    ///
    /// - Throws: ``WireFormat/Problem`` with status 401 or 403; each is told to the observer.
    func authorise(_ request: WebRequest, _ route: Route, _ parameters: [String: String]) throws -> Caller? {
        if route.access == .open || (route.access == .scraper && !surroundings.metricsNeedKey) { return nil }
        let (caller, method) = try caller(of: request, route)
        func refused(_ failure: AuthenticationFailure, _ problem: Problem) -> Problem {
            self.refused(failure, problem, by: method)
        }
        func require(_ permission: OperatorPermission, _ rule: ScopeRule) throws {
            guard case .person(let known) = caller else {
                throw refused(.wrongRole, .roleNeeded(permission, has: "a device"))
            }
            guard caller.may(permission) else {
                throw refused(.wrongRole, .roleNeeded(permission, has: "a \(known.role.rawValue)"))
            }
            if let outside = outside(known.scope, rule, parameters) {
                throw refused(.outOfScope, .outOfScope(outside, known.scope, field: nil))
            }
        }
        switch (route.access, caller) {
        case (.open, _), (.anyone, _), (.deviceOrPerson, .device): break
        case (.person(let permission, let rule), _), (.deviceOrPerson(let permission, let rule), .person):
            try require(permission, rule)
        case (.scraper, _):
            try require(.scrape, .fleet)
        case (.device, .person):
            throw refused(.wrongRole, .deviceNeeded)
        case (.device, .device(let id)):
            guard parameters["device"] == id.rawValue else { throw refused(.wrongDevice, .otherDevice(id)) }
        }
        if case .device(let id) = caller, let bar = surroundings.operations.bar(on: id, using: use(request, route)) {
            throw refused(.barred, bar)
        }
        return caller
    }

    /// Refuses an operator whose credential has called too often.
    ///
    /// - Throws: ``WireFormat/Problem`` with status 429.
    func bound(_ caller: Caller?) throws {
        guard case .person(let known) = caller, let limiter = surroundings.limiter,
            let seconds = limiter.take(known.id, at: surroundings.now())
        else { return }
        surroundings.observer.callLimited()
        throw Problem.tooManyCalls(afterSeconds: seconds)
    }

    /// What a device uses its credential for: the token of its enrolment may get it a certificate always.
    private func use(_ request: WebRequest, _ route: Route) -> DeviceUse {
        if route.template == ArtifactRoutes.file { return .artifact }
        guard let bearer = Self.bearer(request.header("authorization")), !DeviceToken.isSigned(bearer),
            route.template != DeviceRoutes.renewal
        else {
            return .anything
        }
        return .bearerToken
    }

    /// The refusal of something that is not within a caller's scope, told to the observer.
    func outOfScope(_ noun: String, of caller: Caller, field: String? = nil) -> Problem {
        refused(.outOfScope, .outOfScope(noun, caller.scope, field: field), by: .bearer)
    }

    /// What of a request's path is not within a scope; nil where all of it is.
    ///
    /// A name that is none is left to the action, which says what is wrong with it.
    private func outside(_ scope: OperatorScope, _ rule: ScopeRule, _ parameters: [String: String]) -> String? {
        guard !scope.isEverything else { return nil }
        func name<Subject: NameSubject>(_ parameter: String) -> Name<Subject>? {
            parameters[parameter].flatMap { Name<Subject>(rawValue: $0) }
        }
        var subject: ScopeSubject?
        switch rule {
        case .free, .action: return nil
        case .fleet: return "what concerns the whole fleet"
        case .device: subject = name("device").map(ScopeSubject.device)
        case .model: subject = name("model").map(ScopeSubject.model)
        case .policy: subject = name("policy").map(ScopeSubject.policy)
        case .deployment: subject = name("deployment").map(ScopeSubject.deployment)
        case .rollout: subject = name("rollout").map(ScopeSubject.rollout)
        case .version: subject = parameters["digest"].flatMap { Digest(hex: $0) }.map(ScopeSubject.version)
        case .artifact: subject = parameters["digest"].flatMap { Digest(hex: $0) }.map(ScopeSubject.artifact)
        }
        guard let subject, !surroundings.operations.includes(subject, in: scope) else { return nil }
        return subject.noun + ", if there is one,"
    }

    /// Who calls: by the bearer credential where one is sent, otherwise by the client certificate.
    private func caller(of request: WebRequest, _ route: Route) throws -> (Caller, AuthenticationMethod) {
        if let bearer = Self.bearer(request.header("authorization")) {
            do throws(CredentialRefusal) {
                return (try surroundings.operations.authenticate(bearer: bearer), .bearer)
            } catch {
                switch error {
                case .unknown: throw refused(.unknown, .credentialUnknown, by: .bearer)
                case .expired(let at): throw refused(.expired, .keyExpired(at), by: .bearer)
                case .issuerKeysWanted: throw IssuerKeysWanted()
                case .issuerAway(let since): throw refused(.issuerAway, .issuerAway(since), by: .bearer)
                case .tokenRefused(let reason): throw refused(.unknown, .tokenRefused(reason), by: .bearer)
                case .noRole(let name): throw refused(.noRole, .noRole(name), by: .bearer)
                }
            }
        }
        guard let certificate = request.peerCertificate else {
            throw refused(.missing, .credentialMissing, by: .bearer)
        }
        guard let key = Digest(hex: certificate.keyFingerprint), let device = DeviceID(uri: certificate.uri),
            let caller = surroundings.operations.caller(device: device, certificateKey: key)
        else { throw refused(.unknown, .certificateUnknown, by: .certificate) }
        let hasEnded = certificate.expiresAt * 1000 <= surroundings.now().milliseconds
        guard !hasEnded || route.template == DeviceRoutes.renewal else {
            throw refused(.expired, .certificateExpired, by: .certificate)
        }
        return (caller, .certificate)
    }

    private func refused(
        _ failure: AuthenticationFailure, _ problem: Problem, by method: AuthenticationMethod
    ) -> Problem {
        surroundings.observer.authenticationFailed(failure, by: method)
        return problem
    }

    /// The token of `Bearer <token>` (RFC 6750 section 2.1); nil for any other scheme.
    private static func bearer(_ field: String?) -> String? {
        let words = (field ?? "").split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return String(words[1])
    }
}

/// A token can be judged when the issuer's keys have been fetched, which blocks.
struct IssuerKeysWanted: Error {}

extension ScopeSubject {
    /// What it is called in a refusal.
    fileprivate var noun: String {
        switch self {
        case .device(let id): "device \(id)"
        case .model(let name): "model \(name)"
        case .version(let digest): "version \(digest.short)"
        case .artifact(let digest): "artifact \(digest.short)"
        case .policy(let name): "policy \(name), with every deployment that uses it,"
        case .deployment(let name): "deployment \(name)"
        case .rollout(let id): "rollout \(id)"
        }
    }
}

import Fleet
import Orchestration
import WebMessages
import WireFormat

extension OrchestratorAPI {
    /// Who calls, where the route lets them; nil on an open route.
    ///
    /// - Throws: ``WireFormat/Problem`` with status 401 or 403; each is told to the observer.
    func authorise(_ request: WebRequest, _ route: Route, _ parameters: [String: String]) throws -> Caller? {
        if route.access == .open { return nil }
        let (caller, method) = try caller(of: request, route)
        func refused(_ failure: AuthenticationFailure, _ problem: Problem) -> Problem {
            self.refused(failure, problem, by: method)
        }
        switch (route.access, caller) {
        case (.open, _), (.deviceOrPerson, _):
            return caller
        case (.person(let needed), .person(_, _, let role)):
            guard role >= needed else { throw refused(.wrongRole, .roleNeeded(needed, has: "a \(role.rawValue)")) }
            return caller
        case (.person(let needed), .device):
            throw refused(.wrongRole, .roleNeeded(needed, has: "a device"))
        case (.device, .person):
            throw refused(.wrongRole, .deviceNeeded)
        case (.device, .device(let id)):
            guard parameters["device"] == id.rawValue else { throw refused(.wrongDevice, .otherDevice(id)) }
            return caller
        }
    }

    /// Who calls: by the bearer credential where one is sent, otherwise by the client certificate.
    private func caller(of request: WebRequest, _ route: Route) throws -> (Caller, AuthenticationMethod) {
        if let bearer = Self.bearer(request.header("authorization")) {
            guard let caller = surroundings.operations.caller(bearer: bearer) else {
                throw refused(.unknown, .credentialUnknown, by: .bearer)
            }
            return (caller, .bearer)
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

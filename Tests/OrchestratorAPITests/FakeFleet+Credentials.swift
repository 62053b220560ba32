import Fleet
import Orchestration
import WireFormat

/// Whom the fake fleet lets in.
extension FakeFleet {
    func authenticate(bearer: String) throws(CredentialRefusal) -> Caller {
        if bearer == "eok_old" { throw .expired(at: Sample.now) }
        if bearer.hasPrefix("oidc.") {
            guard calls.contains("refreshIssuer") else { throw .issuerKeysWanted }
            switch bearer {
            case "oidc.away.x": throw .issuerAway(since: nil)
            case "oidc.bad.x": throw .tokenRefused("The token expired 5 s ago.")
            case "oidc.guest.x": throw .noRole(name: "gus")
            default: return .person(id: "oidc:1", name: "olga", role: .viewer)
            }
        }
        guard let caller = caller(bearer: bearer) else { throw .unknown }
        return caller
    }

    func refreshIssuer() { set { $0.calls.append("refreshIssuer") } }

    /// Whatever is asked, the scoped key's is not.
    func includes(_ subject: ScopeSubject, in scope: OperatorScope) -> Bool { scope.isEverything }

    private func caller(bearer: String) -> Caller? {
        switch bearer {
        case "eok_publisher": .person(id: "key-p", name: "ci", role: .publisher)
        case "eok_release_manager": .person(id: "key-r", name: "rita", role: .releaseManager)
        case "eok_scraper": .person(id: "key-s", name: "prometheus", role: .scraper)
        case "eok_scoped":
            .person(
                Operator(
                    id: "key-x", name: "xaver", role: .operator,
                    scope: OperatorScope(models: [ModelPattern("detector*")].compactMap { $0 })))
        case "eok_viewer": .person(id: "key-v", name: "vera", role: .viewer)
        case "eok_operator": .person(id: "key-o", name: "olga", role: .operator)
        case "eok_admin": .person(id: "key-a", name: "ada", role: .admin)
        case "edt_dev1", "signed.token.dev1": Sample.device.map(Caller.device)
        default: nil
        }
    }

    func caller(device: DeviceID, certificateKey: Digest) -> Caller? {
        device == Sample.device && certificateKey == TestAPI.digest([7]) ? .device(device) : nil
    }
}

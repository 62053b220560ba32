import Fleet
import Orchestration
import Rollouts
import Synchronization
import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

/// Who may call what.
@Suite struct AccessTests {
    @Test("a device gets a token with its own credential, for itself only, and none with a token")
    func deviceTokens() throws {
        let api = TestAPI()
        let reply = try api.send("POST", "/v1/devices/dev1/token", as: "edt_dev1")
        #expect(reply.status == 201)
        #expect(reply.header("Cache-Control") == "no-store")
        #expect(try reply.decoded(DeviceToken.self).token == "a.b.c")
        #expect(try api.send("POST", "/v1/devices/dev2/token", as: "edt_dev1").status == 403)
        #expect(try api.send("POST", "/v1/devices/dev1/token", as: "eok_admin").status == 403)
        let begotten = try api.send("POST", "/v1/devices/dev1/token", as: "signed.token.dev1")
        #expect(begotten.status == 403)
        #expect(try begotten.decoded(Problem.self).code == "token_from_token")
        #expect(try api.send("GET", "/v1/devices/dev1/assignment", as: "signed.token.dev1").status == 200)
        let keys = try api.send("GET", "/.well-known/jwks.json", as: nil)
        #expect(keys.status == 200)
        #expect(keys.text == #"{"keys":[]}"#)
    }

    /// Everyone who might call, from nobody to an admin.
    enum Who: String, CaseIterable, CustomTestStringConvertible {
        case nobody, stranger, viewer, `operator`, admin, device, publisher, scraper
        case releaseManager = "release_manager"

        var testDescription: String { rawValue }

        var bearer: String? {
            switch self {
            case .nobody: nil
            case .stranger: "eok_revoked"
            case .viewer, .operator, .admin, .publisher, .scraper, .releaseManager: "eok_\(rawValue)"
            case .device: "edt_dev1"
            }
        }

        private var role: OperatorRole? { OperatorRole(rawValue: rawValue) }

        /// The status a route refuses with; nil where it lets in.
        func refusal(by access: Access) -> Int? {
            switch (access, self) {
            case (.open, _), (.scraper, _): nil
            case (_, .nobody), (_, .stranger): 401
            case (.anyone, _), (.deviceOrPerson, .device): nil
            case (.device, let who): who == .device ? nil : 403
            case (.person(let permission, _), let who), (.deviceOrPerson(let permission, _), let who):
                who.role?.permissions.contains(permission) ?? false ? nil : 403
            }
        }
    }

    @Test("a role permits what its table says", arguments: OperatorRole.allCases)
    func roles(role: OperatorRole) {
        let table: [OperatorRole: String] = [
            .scraper: "scrape", .viewer: "scrape read", .publisher: "scrape read publish",
            .releaseManager: "scrape read release", .operator: "scrape read publish release devices",
            .admin: "scrape read publish release devices administer",
        ]
        let permitted = OperatorPermission.allCases.filter { role.permissions.contains($0) }.map(\.rawValue)
        #expect(permitted.joined(separator: " ") == table[role])
    }

    @Test("every route whose path names something refuses a key whose scope does not include it")
    func scopes() throws {
        for row in SampleRequests.all {
            let rule: ScopeRule
            switch row.route.access {
            case .person(let permission, let scope), .deviceOrPerson(let permission, let scope):
                guard OperatorRole.operator.permissions.contains(permission) else { continue }
                rule = scope
            case .open, .device, .anyone, .scraper: continue
            }
            guard rule != .free, rule != .action else { continue }
            let api = TestAPI()
            let reply = try api.send(row.route.method, row.path, as: "eok_scoped", json: row.json)
            #expect(reply.status == 403, "\(row.testDescription)")
            #expect(try reply.problem().code == "out_of_scope")
            #expect(try reply.problem().detail.contains("models detector*"))
            #expect(api.fleet.calls.isEmpty, "a refused request reaches nothing")
            #expect(api.observer.heard.withLock { $0.refused } == [.outOfScope])
        }
    }

    @Test(
        "bodies are held to the scope too",
        arguments: [
            ("PUT", "/v1/deployments/berlin", #"{"selector": "", "model": "digits", "version": "v1"}"#, "model"),
            (
                "POST", "/v1/forecasts",
                #"{"deployment": {"name": "berlin", "selector": "", "model": "digits", "version": "v1"}}"#, "model"
            ),
        ])
    func bodies(method: String, path: String, json: String, field: String) throws {
        let api = TestAPI()
        let reply = try api.send(method, path, as: "eok_scoped", json: json)
        #expect(reply.status == 403)
        #expect(try reply.problem().faults.map(\.field) == [field])
        #expect(api.fleet.calls.isEmpty)
    }

    @Test("a key that has ended says when")
    func expired() throws {
        let api = TestAPI()
        let reply = try api.send("GET", "/v1/models", as: "eok_old")
        #expect(reply.status == 401)
        #expect(try reply.problem().code == "credential_expired")
        #expect(api.observer.heard.withLock { $0.refused } == [.expired])
    }

    @Test("an issuer's token is judged once its keys are fetched, and what is wrong with it is said")
    func issuer() throws {
        let api = TestAPI()
        #expect(try api.send("GET", "/v1/models", as: "oidc.good.x").status == 200)
        #expect(api.fleet.calls.count { $0 == "refreshIssuer" } == 1)
        for (token, status, code) in [
            ("oidc.away.x", 503, "issuer_unreachable"), ("oidc.bad.x", 401, "token_refused"),
            ("oidc.guest.x", 403, "no_role"),
        ] {
            let reply = try TestAPI().send("GET", "/v1/models", as: token)
            #expect(reply.status == status)
            #expect(try reply.problem().code == code)
        }
        let full = TestAPI()
        full.gate.close()
        #expect(try full.send("GET", "/v1/models", as: "oidc.good.x").status == 503, "no worker is free to fetch them")
    }

    @Test("metrics that need a key are for those who may scrape the whole fleet's")
    func protectedMetrics() throws {
        let api = TestAPI(metricsNeedKey: true)
        #expect(try api.send("GET", "/metrics", as: nil).status == 401)
        #expect(try api.send("GET", "/metrics", as: "edt_dev1").status == 403)
        #expect(try api.send("GET", "/metrics", as: "eok_scoped").status == 403)
        #expect(try api.send("GET", "/metrics", as: "eok_scraper").status == 200)
        #expect(try TestAPI().send("GET", "/metrics", as: nil).status == 200)
    }

    @Test("every route lets in whom it should and refuses everybody else", arguments: SampleRequests.all, Who.allCases)
    func access(row: SampleRequests.Row, who: Who) throws {
        let api = TestAPI()
        let reply = try api.send(row.route.method, row.path, as: who.bearer, json: row.json)
        guard let status = who.refusal(by: row.route.access) else {
            #expect(![401, 403].contains(reply.status))
            return
        }
        #expect(reply.status == status)
        let problem = try reply.problem()
        #expect(!problem.detail.isEmpty)
        #expect(api.fleet.calls.isEmpty, "a refused request reaches nothing")
        #expect(api.observer.heard.withLock { $0.refused.count } == 1)
    }

    @Test(
        "a device may act as itself only",
        arguments: SampleRequests.all.filter { $0.route.access == .device })
    func otherDevice(row: SampleRequests.Row) throws {
        let api = TestAPI()
        let path = row.path.replacing("dev1", with: "dev2")
        let reply = try api.send(row.route.method, path, as: "edt_dev1", json: row.json)
        #expect(reply.status == 403)
        let problem = try reply.problem()
        #expect(problem.code == "other_device")
        #expect(problem.faults.map(\.field) == ["device"])
        #expect(problem.faults.first?.remedy.contains("dev1") == true)
        #expect(api.fleet.calls.isEmpty)
        #expect(api.observer.heard.withLock { $0.refused } == [.wrongDevice])
    }

    @Test("a refusal for want of a credential says how to send one, and whether one was wrong")
    func challenge() throws {
        let api = TestAPI()
        let missing = try api.send("GET", "/v1/models", as: nil)
        #expect(missing.header("WWW-Authenticate") == "Bearer realm=\"edge-orchestrator\"")
        let unknown = try api.send("GET", "/v1/models", as: "eok_revoked")
        #expect(unknown.header("WWW-Authenticate")?.contains("error=\"invalid_token\"") == true)
        #expect(try unknown.problem().detail.contains("edgectl apikey create"))
        #expect(api.observer.heard.withLock { $0.refused } == [.missing, .unknown])
    }

    @Test(
        "only one well-formed bearer token is a credential",
        arguments: ["", "Bearer", "Bearer ", "Basic eok_admin", "eok_admin", "Bearer eok_admin eok_admin"])
    func malformed(field: String) throws {
        let reply = try TestAPI().send("GET", "/v1/models", as: nil, headers: ["authorization": field])
        #expect(reply.status == 401)
    }

    @Test("the word Bearer is read in any case")
    func bearerCase() throws {
        let reply = try TestAPI().send("GET", "/v1/models", as: nil, headers: ["authorization": "bearer eok_viewer"])
        #expect(reply.status == 200)
    }

    @Test("who calls is told to them", arguments: [Who.viewer, .operator, .admin, .publisher, .device])
    func whoAmI(who: Who) throws {
        let caller = try TestAPI().send("GET", "/v1/whoami", as: who.bearer).decoded(CallerResource.self)
        #expect(caller.kind == (who == .device ? .device : .person))
        #expect(caller.device?.rawValue == (who == .device ? "dev1" : nil))
        #expect(caller.role?.rawValue == (who == .device ? nil : who.rawValue))
    }

    @Test("large bodies of strangers are refused before they are read")
    func planned() throws {
        let api = TestAPI()
        let upload = "/v1/artifacts/\(Sample.digest)/upload"
        guard case .refused(let refusal) = api.api.plan(TestAPI.request("PATCH", upload, as: nil)) else {
            Issue.record("a stranger's upload is read")
            return
        }
        #expect(refusal.status == 401)
        guard case .buffered(let limit) = api.api.plan(TestAPI.request("PATCH", upload, as: "eok_operator")) else {
            Issue.record("an operator's upload is refused")
            return
        }
        #expect(limit == 8 << 20)
    }

    @Test("a body that is announced too long is refused before it is read", arguments: SampleRequests.all)
    func announcedTooLong(row: SampleRequests.Row) throws {
        let api = TestAPI()
        let length = "\(row.route.body.limitBytes + 1)"
        let request = TestAPI.request(
            row.route.method, row.path, as: row.caller, headers: ["content-length": length])
        guard case .refused(let refusal) = api.api.plan(request) else {
            Issue.record("it is read")
            return
        }
        #expect(refusal.status == 413)
        #expect(try refusal.problem().faults.first?.field == "body")
    }
}

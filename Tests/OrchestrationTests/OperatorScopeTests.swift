import Fleet
import Foundation
import Orchestration
import OrchestratorAPI
import Rollouts
import Synchronization
import Testing
import WebMessages
import WireFormat

@testable import SimulatedWorld

/// What a key with a scope reaches: requests through the API to a real controller over two sites and one model.
@Suite struct OperatorScopeTests {
    let world: World
    private let api: OrchestratorAPI

    init() throws {
        let world = try World()
        self.world = world
        api = OrchestratorAPI(
            OrchestratorAPI.Surroundings(
                operations: world.controller,
                submit: { job in
                    job()
                    return true
                }, digest: { [cryptography = world.cryptography] in cryptography.digest($0) },
                now: { [time = world.time] in time.now }))
        try world.enrol(3, site: "berlin")
        try world.enrol(2, site: "paris")
        try world.want(1)
    }

    private func key(_ role: OperatorRole, models: [String] = [], selector: String = "") throws -> String {
        let scope = OperatorScope(
            models: try models.map { try #require(ModelPattern($0)) }, selector: try Selector(selector))
        let made = try world.controller.createAPIKey(
            APIKeyRequest(name: "olga", role: role, scope: scope), by: world.person)
        return try #require(made.secret)
    }

    private func send(
        _ method: String, _ path: String, _ secret: String, _ json: String? = nil
    ) throws -> (status: Int, text: String) {
        var request = WebRequest(method: method, path: path, headers: ["authorization": "Bearer \(secret)"])
        if let json {
            request.headers["content-type"] = "application/json"
            request.body = Array(json.utf8)
        }
        let answer = Mutex<WebResponse?>(nil)
        api.handle(request) { response in answer.withLock { $0 = response } }
        let response = try #require(answer.withLock { $0 })
        guard case .bytes(let bytes) = response.body else { return (response.status, "") }
        return (response.status, String(decoding: bytes, as: UTF8.self))
    }

    private func deployment(_ selector: String) -> String {
        #"{"selector": "\#(selector)", "model": "digits", "version": "v1"}"#
    }

    @Test("an operator of one site sees, labels and retires its devices, and no others")
    func site() throws {
        let secret = try key(.operator, selector: "site=berlin")
        let listed = try send("GET", "/v1/devices", secret).text
        #expect(listed.contains("d100") && listed.contains("d102") && !listed.contains("d103"))
        for (method, json) in [("GET", nil), ("PATCH", #"{"labels": {"site": "berlin"}}"#), ("DELETE", nil)] {
            let refused = try send(method, "/v1/devices/d103", secret, json)
            #expect(refused.status == 403 && refused.text.contains("out_of_scope"), "\(method)")
            #expect(try send(method, "/v1/devices/nobody", secret, json).status == 403, "what exists is not told")
        }
        #expect(try world.controller.device(try DeviceID("d103")).state != .retired)
        #expect(try send("GET", "/v1/devices/d100", secret).status == 200)
        let moved = try send("PATCH", "/v1/devices/d100", secret, #"{"labels": {"site": "paris"}}"#)
        #expect(moved.status == 403 && moved.text.contains("labels"), "no device leaves the scope by its labels")
        let labelled = try send("PATCH", "/v1/devices/d100", secret, #"{"labels": {"site": "berlin", "x": "1"}}"#)
        #expect(labelled.status == 200)
        #expect(try send("DELETE", "/v1/devices/d100", secret).status == 204)
    }

    @Test("an operator of one site deploys to it only, and commands no rollout that may reach others")
    func deployments() throws {
        let secret = try key(.operator, selector: "site=berlin")
        let rollout = try #require(world.controller.rollouts(model: nil, active: nil).first?.id)
        #expect(try send("GET", "/v1/rollouts", secret).text == #"{"items":[]}"#)
        #expect(try send("GET", "/v1/deployments", secret).text == #"{"items":[]}"#)
        let halt = #"{"command": "halt", "reason": "look"}"#
        for (method, path, json) in [
            ("GET", "/v1/rollouts/\(rollout)", nil), ("POST", "/v1/rollouts/\(rollout)/commands", halt),
            ("GET", "/v1/deployments/digits", nil), ("DELETE", "/v1/deployments/digits", nil),
            ("PUT", "/v1/deployments/digits", deployment("site=berlin")),
            ("PUT", "/v1/deployments/mine", deployment("")), ("PUT", "/v1/deployments/mine", deployment("hw=orin")),
            ("PUT", "/v1/policies/quick", #"{"steps": ["100%"]}"#),
            ("PUT", "/v1/policies/default", #"{"steps": ["100%"]}"#),
        ] as [(String, String, String?)] {
            let reply = try send(method, path, secret, json)
            #expect(reply.status == 403 && reply.text.contains("out_of_scope"), "\(method) \(path) \(json ?? "")")
        }
        #expect(try send("PUT", "/v1/deployments/mine", secret, deployment("site=berlin,hw=orin")).status == 422)
        #expect(try send("PUT", "/v1/deployments/mine", secret, deployment("site=berlin")).status == 201)
        #expect(try send("GET", "/v1/deployments", secret).text.contains("mine"))
        #expect(try send("PUT", "/v1/policies/mine", secret, #"{"steps": ["100%"]}"#).status == 201)
    }

    @Test("enrolment tokens of a scoped operator pin the labels that bind their devices to it")
    func tokens() throws {
        let secret = try key(.operator, selector: "site=berlin")
        let path = "/v1/enrolment-tokens"
        #expect(try send("POST", path, secret, "{}").status == 403)
        #expect(try send("POST", path, secret, #"{"labels": {"site": "paris"}}"#).status == 403)
        #expect(try send("POST", path, secret, #"{"labels": {"site": "berlin"}}"#).status == 201)
        _ = try world.controller.createToken(
            EnrolmentTokenRequest(labels: try Labels(["site": "paris"])), by: world.person)
        let listed = try send("GET", path, secret).text
        #expect(listed.contains("berlin") && !listed.contains("paris"))
    }

    @Test("a release manager of some models rolls out no other one")
    func models() throws {
        let rollout = try #require(world.controller.rollouts(model: nil, active: nil).first?.id)
        let command = #"{"command": "halt", "reason": "look"}"#
        let other = try key(.releaseManager, models: ["detector*"])
        #expect(try send("PUT", "/v1/deployments/mine", other, deployment("")).status == 403)
        #expect(try send("POST", "/v1/rollouts/\(rollout)/commands", other, command).status == 403)
        #expect(try send("GET", "/v1/models", other).text == #"{"items":[]}"#)
        #expect(try send("GET", "/v1/models/digits/versions", other).status == 403)
        #expect(try send("GET", "/v1/versions/\(world.versions[0].digest.hex)", other).status == 403)
        #expect(try send("GET", "/v1/audit", other).status == 403)
        let own = try key(.releaseManager, models: ["dig*"])
        #expect(try send("GET", "/v1/models", own).text.contains("digits"))
        #expect(try send("GET", "/v1/versions/\(world.versions[0].digest.hex)", own).status == 200)
        #expect(try send("POST", "/v1/rollouts/\(rollout)/commands", own, command).status == 200)
        #expect(try send("DELETE", "/v1/devices/d100", own).status == 403, "release managers touch no devices")
        #expect(world.controller.rollouts(model: nil, active: nil).first?.state == .halted)
    }
}

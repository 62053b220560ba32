import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

/// One request per route that its action accepts.
enum SampleRequests {
    /// A route for a table of tests.
    struct Row: Sendable, CustomTestStringConvertible {
        let route: Route

        var testDescription: String { "\(route.method) \(route.template)" }

        /// The route's path with a name in each place.
        var path: String {
            route.segments.map { segment in
                switch segment {
                case .literal(let text): "/" + text
                case .parameter(let name): "/" + (SampleRequests.names[name] ?? "unknown")
                }
            }.joined()
        }

        /// Who may call the route.
        var caller: String? {
            switch route.access {
            case .open, .scraper: nil
            case .device: "edt_dev1"
            case .person, .deviceOrPerson, .anyone: "eok_admin"
            }
        }

        /// A body that the route takes; nil where it takes no JSON.
        var json: String? { SampleRequests.bodies[testDescription] }
    }

    static let all = OrchestratorAPI.routes.map(Row.init)

    /// The routes that take JSON.
    static let withJSON = all.filter { row in
        if case .json = row.route.body { true } else { false }
    }

    private static let names = [
        "device": "dev1", "key": "key-1", "model": "digits", "version": "v1", "digest": Sample.digest,
        "policy": "calm", "deployment": "berlin", "rollout": "digits-1", "number": "2",
    ]

    private static let bodies = [
        "POST /v1/enrolments": #"{"token": "t", "device": "dev1", "labels": {}, "agentVersion": "1"}"#,
        "POST /v1/devices/{device}/certificate": #"{"certificateRequest": "csr"}"#,
        "POST /v1/devices/{device}/heartbeats":
            #"{"boot": 1, "sequence": 9, "sentAt": 2, "assignment": 0, "slots": [], "series": [], "problems": []}"#,
        "POST /v1/devices/{device}/reports": #"{"reports": []}"#,
        "POST /v1/devices/{device}/history":
            #"{"series": {"model": "digits", "digest": "\#(Sample.digest)", "start": 1}, "points": []}"#,
        "PATCH /v1/devices/{device}": #"{"labels": {"site": "berlin"}}"#,
        "POST /v1/devices/{device}/decisions": #"{"decision": "revoke", "reason": "stolen"}"#,
        "POST /v1/devices/{device}/replacement": #"{"reason": "broken board"}"#,
        "POST /v1/devices/{device}/rollbacks": #"{"model": "digits", "version": "v1", "reason": "it overheats"}"#,
        "POST /v1/enrolment-tokens": #"{"lifetimeSeconds": 60, "uses": 2, "labels": {}}"#,
        "POST /v1/api-keys": #"{"name": "ci", "role": "operator"}"#,
        "POST /v1/api-keys/{key}/rotation": #"{"overlapSeconds": 3600}"#,
        "POST /v1/publisher-keys": #"{"pem": "pem"}"#,
        "POST /v1/key-sets": #"{"envelope": "{}"}"#,
        "POST /v1/models/{model}/versions": #"{"version": "v1", "bundle": "{}", "files": []}"#,
        "POST /v1/artifacts/{digest}/upload": #"{"sizeBytes": 10}"#,
        "PUT /v1/policies/{policy}": #"{"steps": ["5%", "100%"], "errorBudget": 0.01}"#,
        "PUT /v1/deployments/{deployment}": #"{"selector": "site=berlin", "model": "digits", "version": "v1"}"#,
        "POST /v1/forecasts":
            #"{"deployment": {"name": "berlin", "selector": "site=berlin", "model": "digits", "version": "v1"}}"#,
        "PUT /v1/rollouts/{rollout}/decisions/{number}/label": #"{"label": "false_positive"}"#,
        "POST /v1/rollouts/{rollout}/approvals": #"{"reason": "looked at it"}"#,
        "POST /v1/rollouts/{rollout}/commands": #"{"command": "halt", "reason": "look"}"#,
    ]
}

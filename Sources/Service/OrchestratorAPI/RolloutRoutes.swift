import Fleet
import Orchestration
import Rollouts
import WebMessages
import WireFormat

/// Rollouts, what was decided about them and why.
enum RolloutRoutes {
    static let all: [Route] = [
        Route(
            "GET", "/v1/rollouts", .person(.read, within: .action), query: ["model", "active", "after", "limit"],
            .blocking(list)),
        Route("GET", "/v1/rollouts/{rollout}", .person(.read, within: .rollout), .held(show)),
        Route(
            "POST", "/v1/rollouts/{rollout}/commands", .person(.release, within: .rollout), body: .declaration,
            replay: .kept, .blocking(command)),
        Route(
            "POST", "/v1/rollouts/{rollout}/approvals", .person(.release, within: .rollout), body: .declaration,
            replay: .kept, .blocking(approve)),
        Route("GET", "/v1/rollouts/{rollout}/decisions", .person(.read, within: .rollout), .blocking(decisions)),
        Route(
            "PUT", "/v1/rollouts/{rollout}/decisions/{number}/label", .person(.release, within: .rollout),
            body: .declaration, .blocking(label)),
        Route(
            "DELETE", "/v1/rollouts/{rollout}/decisions/{number}/label", .person(.release, within: .rollout),
            .blocking(unlabel)),
        Route("GET", "/v1/rollouts/{rollout}/evidence", .person(.read, within: .rollout), .blocking(evidence)),
        Route("POST", "/v1/forecasts", .person(.read, within: .action), body: .declaration, .blocking(forecast)),
    ]

    private static func list(_ call: Call) throws -> WebResponse {
        let rollouts = try call.operations.rollouts(
            model: try call.queryName("model"), active: try call.queryFlag("active")
        ).filter { try call.isWithinScope(.rollout($0.id)) }
        return try .json(try Page.of(rollouts, call, key: \.id.rawValue))
    }

    /// Answers at once, unless the caller knows the newest revision and lets the answer wait for another one.
    private static func show(_ call: Call, _ respond: @escaping @Sendable (WebResponse) -> Void) throws {
        let id: RolloutID = try call.name("rollout")
        let (rollout, revision) = try call.operations.rollout(id)
        let tag = EntityTag(revision)
        guard tag.isKnown(to: call.request) else {
            respond(try .json(rollout, headers: [tag.header]))
            return
        }
        guard let wait = LongPoll(call.request) else {
            respond(tag.notModified)
            return
        }
        _ = call.operations.waitForRollout(id, otherThan: revision, seconds: Double(wait.seconds)) {
            call.wake(respond) { try current(call, id, wait) }
        }
    }

    private static func current(_ call: Call, _ id: RolloutID, _ wait: LongPoll) throws -> WebResponse {
        let (rollout, revision) = try call.operations.rollout(id)
        let tag = EntityTag(revision)
        var response = tag.isKnown(to: call.request) ? tag.notModified : try .json(rollout, headers: [tag.header])
        response.headers.append(wait.header)
        return response
    }

    private static func command(_ call: Call) throws -> WebResponse {
        try .json(
            try call.operations.command(
                try call.body(RolloutCommandRequest.self), rollout: try call.name("rollout"),
                by: try call.authenticated()))
    }

    private static func approve(_ call: Call) throws -> WebResponse {
        try .json(
            try call.operations.approve(
                try call.body(ApprovalRequest.self), rollout: try call.name("rollout"), by: try call.authenticated()))
    }

    private static func decisions(_ call: Call) throws -> WebResponse {
        try .json(Page(items: try call.operations.rollout(try call.name("rollout")).resource.decisions))
    }

    private static func label(_ call: Call) throws -> WebResponse {
        try label(call, try call.body(DecisionLabelRequest.self).label)
    }

    private static func unlabel(_ call: Call) throws -> WebResponse {
        try label(call, nil)
    }

    private static func label(_ call: Call, _ label: DecisionLabel.Value?) throws -> WebResponse {
        try .json(
            try call.operations.label(
                label, decision: try call.positiveNumber("number"), of: try call.name("rollout"),
                by: try call.authenticated()))
    }

    private static func evidence(_ call: Call) throws -> WebResponse {
        try .json(try call.operations.evidence(try call.name("rollout")))
    }

    private static func forecast(_ call: Call) throws -> WebResponse {
        let request = try call.body(ForecastRequest.self)
        try call.requireScope(of: request.deployment)
        return try .json(try call.operations.forecast(request))
    }
}

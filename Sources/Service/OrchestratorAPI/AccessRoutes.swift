import Fleet
import Orchestration
import WebMessages
import WireFormat

/// Enrolment tokens and keys.
enum AccessRoutes {
    static let all: [Route] = [
        Route(
            "POST", "/v1/enrolment-tokens", .person(.devices, within: .action), body: .declaration, replay: .refused,
            .blocking(createToken)),
        Route(
            "GET", "/v1/enrolment-tokens", .person(.read, within: .action), query: ["after", "limit"],
            .blocking(tokens)),
        Route(
            "POST", "/v1/api-keys", .person(.administer, within: .fleet), body: .declaration, replay: .refused,
            .blocking(createKey)),
        Route(
            "GET", "/v1/api-keys", .person(.administer, within: .fleet), query: ["after", "limit"], .blocking(keys)),
        Route(
            "POST", "/v1/api-keys/{key}/rotation", .person(.administer, within: .fleet), body: .declaration,
            replay: .refused, .blocking(rotateKey)),
        Route("DELETE", "/v1/api-keys/{key}", .person(.administer, within: .fleet), .blocking(removeKey)),
        Route(
            "POST", "/v1/publisher-keys", .person(.administer, within: .fleet), body: .declaration, replay: .kept,
            .blocking(addPublisherKey)),
        Route(
            "GET", "/v1/publisher-keys", .person(.read, within: .free), query: ["after", "limit"],
            .blocking(publisherKeys)),
        Route(
            "POST", "/v1/key-sets", .person(.administer, within: .fleet), body: .keySet, replay: .kept,
            .blocking(publishKeySet)),
        Route(
            "GET", "/v1/key-sets", .deviceOrPerson(.read, within: .free), query: ["after", "limit"],
            .blocking(keySets)),
        Route("GET", "/v1/assignment-key", .deviceOrPerson(.read, within: .free), .blocking(assignmentKey)),
    ]

    private static func createToken(_ call: Call) throws -> WebResponse {
        let request = try call.body(EnrolmentTokenRequest.self)
        // The labels that a device names itself may be any: those that bind it to the scope must be pinned.
        try call.requireScope(
            includes: { $0.includes(labels: request.labels ?? Labels()) }, "a device with these labels",
            field: "labels")
        return try .secret(try call.operations.createToken(request, by: try call.authenticated()))
    }

    private static func tokens(_ call: Call) throws -> WebResponse {
        let scope = try call.authenticated().scope
        let tokens = call.operations.tokens().filter { scope.includes(labels: $0.labels) }
        return try .json(try Page.of(tokens, call, key: \.id))
    }

    private static func createKey(_ call: Call) throws -> WebResponse {
        try .secret(
            try call.operations.createAPIKey(try call.body(APIKeyRequest.self), by: try call.authenticated()))
    }

    private static func keys(_ call: Call) throws -> WebResponse {
        try .json(try Page.of(call.operations.apiKeys(), call, key: \.id))
    }

    private static func rotateKey(_ call: Call) throws -> WebResponse {
        try .secret(
            try call.operations.rotateAPIKey(
                id: call.text("key"), try call.body(APIKeyRotation.self), by: try call.authenticated()))
    }

    private static func removeKey(_ call: Call) throws -> WebResponse {
        try call.operations.removeAPIKey(id: call.text("key"), by: try call.authenticated())
        return .noContent
    }

    private static func addPublisherKey(_ call: Call) throws -> WebResponse {
        try .json(
            try call.operations.addPublisherKey(
                try call.body(PublisherKey.self), by: try call.authenticated()), status: 201)
    }

    private static func publisherKeys(_ call: Call) throws -> WebResponse {
        try .json(try Page.of(call.operations.publisherKeys(), call) { $0.fingerprint ?? "" })
    }

    private static func publishKeySet(_ call: Call) throws -> WebResponse {
        try .json(
            try call.operations.publish(try call.body(KeySetPublication.self), by: try call.authenticated()),
            status: 201)
    }

    private static func keySets(_ call: Call) throws -> WebResponse {
        try .json(
            call.operations.keySets(after: try call.number("after", of: "a key set") ?? 0, limit: try call.limit()))
    }

    private static func assignmentKey(_ call: Call) throws -> WebResponse {
        try .json(try call.operations.assignmentKey())
    }
}

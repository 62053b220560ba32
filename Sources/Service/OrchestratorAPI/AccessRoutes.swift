import Orchestration
import WebMessages
import WireFormat

/// Enrolment tokens and keys.
enum AccessRoutes {
    static let all: [Route] = [
        Route(
            "POST", "/v1/enrolment-tokens", .person(.operator), body: .declaration, replay: .refused,
            .blocking(createToken)),
        Route("GET", "/v1/enrolment-tokens", .person(.viewer), query: ["after", "limit"], .blocking(tokens)),
        Route("POST", "/v1/api-keys", .person(.admin), body: .declaration, replay: .refused, .blocking(createKey)),
        Route("GET", "/v1/api-keys", .person(.admin), query: ["after", "limit"], .blocking(keys)),
        Route("DELETE", "/v1/api-keys/{key}", .person(.admin), .blocking(removeKey)),
        Route(
            "POST", "/v1/publisher-keys", .person(.admin), body: .declaration, replay: .kept,
            .blocking(addPublisherKey)),
        Route("GET", "/v1/publisher-keys", .person(.viewer), query: ["after", "limit"], .blocking(publisherKeys)),
        Route(
            "POST", "/v1/key-sets", .person(.admin), body: .keySet, replay: .kept, .blocking(publishKeySet)),
        Route("GET", "/v1/key-sets", .deviceOrPerson, query: ["after", "limit"], .blocking(keySets)),
        Route("GET", "/v1/assignment-key", .deviceOrPerson, .blocking(assignmentKey)),
    ]

    private static func createToken(_ call: Call) throws -> WebResponse {
        try .secret(
            try call.operations.createToken(
                try call.body(EnrolmentTokenRequest.self), by: try call.authenticated()))
    }

    private static func tokens(_ call: Call) throws -> WebResponse {
        try .json(try Page.of(call.operations.tokens(), call, key: \.id))
    }

    private static func createKey(_ call: Call) throws -> WebResponse {
        try .secret(
            try call.operations.createAPIKey(try call.body(APIKeyRequest.self), by: try call.authenticated()))
    }

    private static func keys(_ call: Call) throws -> WebResponse {
        try .json(try Page.of(call.operations.apiKeys(), call, key: \.id))
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

import Fleet
import Orchestration
import WebMessages
import WireFormat

/// Models and their versions.
enum RegistryRoutes {
    static let all: [Route] = [
        Route("GET", "/v1/models", .person(.read, within: .action), query: ["after", "limit"], .blocking(models)),
        Route(
            "GET", "/v1/models/{model}/versions", .person(.read, within: .model), query: ["after", "limit"],
            .blocking(versions)),
        Route(
            "POST", "/v1/models/{model}/versions", .person(.publish, within: .model), body: .registration,
            replay: .kept, .blocking(register)),
        Route("GET", "/v1/models/{model}/versions/{version}", .person(.read, within: .model), .blocking(version)),
        Route("GET", "/v1/versions/{digest}", .deviceOrPerson(.read, within: .version), .blocking(versionByDigest)),
    ]

    /// What a digest names never changes.
    static let immutable = (name: "Cache-Control", value: "private, max-age=31536000, immutable")

    private static func models(_ call: Call) throws -> WebResponse {
        let scope = try call.authenticated().scope
        let models = call.operations.models().filter { scope.includes(model: $0.name) }
        return try .json(try Page.of(models, call, key: \.name.rawValue))
    }

    private static func versions(_ call: Call) throws -> WebResponse {
        let model: ModelName = try call.name("model")
        return try .json(try Page.of(try call.operations.versions(of: model), call, key: \.version.rawValue))
    }

    private static func register(_ call: Call) throws -> WebResponse {
        let model: ModelName = try call.name("model")
        let version = try call.operations.registerVersion(
            try call.body(VersionRegistration.self), model: model, by: try call.authenticated())
        let place = (name: "Location", value: "/v1/models/\(model)/versions/\(version.version)")
        return try .json(version, status: 201, headers: [place])
    }

    private static func version(_ call: Call) throws -> WebResponse {
        try .json(try call.operations.version(try call.name("version"), of: try call.name("model")))
    }

    private static func versionByDigest(_ call: Call) throws -> WebResponse {
        let digest = try call.digest("digest")
        let version = try call.operations.version(digest: digest)
        // The content never changes, but another publisher's key may sign it again, and its artifacts may go.
        let tag = EntityTag(
            "\(digest)\(version.publisher.map { ".\($0.prefix(16))" } ?? "")"
                + (version.artifactsRemovedAt == nil ? "" : ".removed"))
        if tag.isKnown(to: call.request) { return tag.notModified }
        return try .json(version, headers: [tag.header, (name: "Cache-Control", value: "private, no-cache")])
    }
}

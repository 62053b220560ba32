import Orchestration
import WebMessages
import WireFormat

/// Health, metrics and the description of the API.
enum ServiceRoutes {
    static let all: [Route] = [
        Route("GET", "/healthz", .open, .fast { _ in .text("ok\n") }),
        Route("GET", "/readyz", .open, .fast(ready)),
        Route("GET", "/metrics", .scraper, .fast(metrics)),
        Route("GET", "/openapi.yaml", .open, .fast(description)),
        Route("GET", "/v1/certificate-authority", .open, .fast(certificateAuthority)),
        Route("GET", "/v1/whoami", .anyone, .fast(whoAmI)),
    ]

    private static func ready(_ call: Call) throws -> WebResponse {
        if let reason = call.operations.unreadyReason() { throw Problem.unready(reason) }
        return .text("ready\n")
    }

    private static func metrics(_ call: Call) throws -> WebResponse {
        guard let metrics = call.api.surroundings.metrics else { throw Problem.unknownRoute(call.request.path) }
        let (contentType, bytes) = metrics(call.request.header("accept"))
        return WebResponse(
            status: 200, headers: [(name: "Content-Type", value: contentType)], body: .bytes(bytes))
    }

    /// Safe to fetch over a connection that is not trusted yet: an enrolment token pins what it must be.
    private static func certificateAuthority(_ call: Call) throws -> WebResponse {
        guard let pem = call.api.surroundings.certificateAuthority else { throw Problem.noCertificateAuthority }
        return WebResponse(
            status: 200, headers: [(name: "Content-Type", value: "application/x-pem-file")],
            body: .bytes(Array(pem.utf8)))
    }

    private static func description(_ call: Call) -> WebResponse {
        let text = APIDescription.yaml
        let tag = EntityTag(json: text, digest: call.api.surroundings.digest)
        if tag.isKnown(to: call.request) { return tag.notModified }
        return WebResponse(
            status: 200, headers: [(name: "Content-Type", value: "application/yaml"), tag.header], body: .bytes(text))
    }

    private static func whoAmI(_ call: Call) throws -> WebResponse {
        try .json(CallerResource(try call.authenticated()))
    }
}

/// The API's own description.
public enum APIDescription {
    /// `openapi.yaml`: OpenAPI 3.1, UTF-8.
    public static var yaml: [UInt8] { PackageResources.openapi_yaml }
}

import Fleet
import Orchestration
import WebMessages
import WireFormat

/// Signed tokens for devices, and the keys that others check them with.
enum TokenRoutes {
    static let all: [Route] = [
        Route("GET", "/.well-known/jwks.json", .open, .blocking(keys)),
        Route("POST", "/v1/devices/{device}/token", .device, .blocking(issue)),
    ]

    private static func keys(_ call: Call) throws -> WebResponse {
        WebResponse(
            status: 200,
            headers: [
                (name: "Content-Type", value: "application/jwk-set+json"),
                (name: "Cache-Control", value: "max-age=3600"),
            ], body: .bytes(try call.operations.tokenKeys()))
    }

    private static func issue(_ call: Call) throws -> WebResponse {
        // A stolen token must end: it opens the device's routes for its hour and begets no other.
        guard !DeviceToken.isSigned(call.request.header("authorization") ?? "") else { throw Problem.tokenBegetsToken }
        return try .secret(try call.operations.issueToken(to: try call.name("device")))
    }
}

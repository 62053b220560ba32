import Fleet
import Orchestration
import WebMessages
import WireFormat

/// What devices call.
enum DeviceRoutes {
    static let all: [Route] = [
        Route("POST", "/v1/enrolments", .open, body: .declaration, audience: .devices, .blocking(enrol)),
        Route("POST", renewal, .device, body: .declaration, .blocking(renew)),
        Route("POST", "/v1/devices/{device}/heartbeats", .device, body: .heartbeat, .fast(heartbeat)),
        Route("GET", "/v1/devices/{device}/assignment", .device, .held(assignment)),
        Route("POST", "/v1/devices/{device}/reports", .device, body: .reports, .blocking(report)),
        Route("POST", "/v1/devices/{device}/history", .device, body: .history, .blocking(history)),
    ]

    /// The one route that a certificate which has ended opens, so that a device that was away for long renews it.
    static let renewal = "/v1/devices/{device}/certificate"

    private static func renew(_ call: Call) throws -> WebResponse {
        // A stolen token must end: it begets neither a token nor a certificate.
        let header = call.request.header("authorization") ?? ""
        guard !DeviceToken.isSigned(header) else { throw Problem.tokenBegetsToken }
        return try .json(
            try call.operations.renewCertificate(
                try call.body(CertificateRenewal.self), of: try call.name("device")), status: 201)
    }

    private static func enrol(_ call: Call) throws -> WebResponse {
        try .secret(try call.operations.enrol(try call.body(EnrolmentRequest.self)))
    }

    private static func heartbeat(_ call: Call) throws -> WebResponse {
        try .json(try call.operations.heartbeat(try call.body(Heartbeat.self), from: try call.name("device")))
    }

    private static func report(_ call: Call) throws -> WebResponse {
        try .json(try call.operations.report(try call.body(ReportBatch.self), from: try call.name("device")))
    }

    private static func history(_ call: Call) throws -> WebResponse {
        try call.operations.history(try call.body(HistoryUpload.self), from: try call.name("device"))
        return .noContent
    }

    /// Answers at once, unless the device knows its newest assignments and lets the answer wait for newer ones.
    private static func assignment(_ call: Call, _ respond: @escaping @Sendable (WebResponse) -> Void) throws {
        let device: DeviceID = try call.name("device")
        guard let wait = LongPoll(call.request), let known = knownNumber(call.request) else {
            respond(try current(call, of: device, headers: []))
            return
        }
        _ = call.operations.waitForAssignment(of: device, above: known, seconds: Double(wait.seconds)) {
            call.wake(respond) { try current(call, of: device, headers: [wait.header]) }
        }
    }

    private static func current(
        _ call: Call, of device: DeviceID, headers: [(name: String, value: String)]
    ) throws -> WebResponse {
        let assignments = try call.operations.assignments(of: device)
        let tag = EntityTag(assignments.number)
        var response = tag.isKnown(to: call.request) ? tag.notModified : try .json(assignments, headers: [tag.header])
        response.headers += headers
        return response
    }

    /// The number in `If-None-Match: "7"`; nil where there is none.
    private static func knownNumber(_ request: WebRequest) -> UInt64? {
        request.header("if-none-match").flatMap { UInt64($0.filter { $0 != "\"" && $0 != " " }) }
    }
}

extension WebResponse {
    /// A value that holds a secret: made just now, and not to be stored on its way.
    static func secret(_ value: some Encodable) throws -> WebResponse {
        try .json(value, status: 201, headers: [(name: "Cache-Control", value: "no-store")])
    }
}

import Fleet
import Orchestration
import WebMessages
import WireFormat

/// Devices as people see and change them.
enum FleetRoutes {
    static let all: [Route] = [
        Route(
            "GET", "/v1/devices", .person(.read, within: .action), query: ["selector", "after", "limit"],
            .blocking(list)),
        Route("GET", "/v1/devices/{device}", .person(.read, within: .device), .blocking(show)),
        Route(
            "PATCH", "/v1/devices/{device}", .person(.devices, within: .device), body: .declaration,
            .blocking(patch)),
        Route(
            "POST", "/v1/devices/{device}/rollbacks", .person(.release, within: .device), body: .declaration,
            replay: .kept, .blocking(rollBack)),
        Route("DELETE", "/v1/devices/{device}", .person(.devices, within: .device), .blocking(retire)),
        Route(
            "POST", "/v1/devices/{device}/decisions", .person(.devices, within: .device), body: .declaration,
            replay: .kept, .blocking(decide)),
        Route(
            "POST", "/v1/devices/{device}/replacement", .person(.devices, within: .device), body: .declaration,
            replay: .refused, .blocking(replace)),
    ]

    private static func list(_ call: Call) throws -> WebResponse {
        try .json(
            call.operations.devices(
                matching: try call.selector().and(try call.authenticated().scope.selector),
                after: try call.queryName("after"), limit: try call.limit()))
    }

    private static func show(_ call: Call) throws -> WebResponse {
        try .json(try call.operations.device(try call.name("device")))
    }

    private static func patch(_ call: Call) throws -> WebResponse {
        let patch = try call.body(DevicePatch.self)
        try call.requireScope(
            includes: { $0.includes(labels: patch.labels) }, "a device with these labels", field: "labels")
        return try .json(
            try call.operations.patch(try call.name("device"), patch, by: try call.authenticated()))
    }

    private static func decide(_ call: Call) throws -> WebResponse {
        try .json(
            try call.operations.decide(
                try call.body(DeviceDecision.self), on: try call.name("device"), by: try call.authenticated()))
    }

    private static func replace(_ call: Call) throws -> WebResponse {
        try .secret(
            try call.operations.replace(
                try call.name("device"), try call.body(DeviceReplacement.self), by: try call.authenticated()))
    }

    private static func rollBack(_ call: Call) throws -> WebResponse {
        let request = try call.body(DeviceRollbackRequest.self)
        try call.requireScope(
            includes: { $0.includes(model: request.model) }, "model \(request.model)", field: "model")
        return try .json(
            try call.operations.rollBack(try call.name("device"), request, by: try call.authenticated()))
    }

    private static func retire(_ call: Call) throws -> WebResponse {
        try call.operations.retire(try call.name("device"), by: try call.authenticated())
        return .noContent
    }
}

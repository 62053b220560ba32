import Orchestration
import WebMessages
import WireFormat

/// Who did what, and the proof that nobody changed it since.
enum AuditRoutes {
    static let all: [Route] = [
        Route("GET", "/v1/audit", .person(.read, within: .fleet), query: ["before", "limit"], .blocking(newest)),
        Route("GET", "/v1/audit/rows", .person(.read, within: .fleet), query: ["after", "limit"], .blocking(rows)),
        Route(
            "GET", "/v1/audit/checkpoints", .person(.read, within: .fleet), query: ["after", "limit"],
            .blocking(checkpoints)),
        Route("GET", "/v1/audit/head", .person(.read, within: .fleet), .blocking(head)),
        Route("GET", "/v1/audit/beginning", .person(.read, within: .fleet), .blocking(beginning)),
    ]

    private static func newest(_ call: Call) throws -> WebResponse {
        let limit = try call.limit()
        // One row more than is shown tells whether any follow.
        let events = try call.operations.audit(before: try call.number("before", of: "an audit row"), limit: limit + 1)
        return try page(events, limit, number: \.number)
    }

    private static func rows(_ call: Call) throws -> WebResponse {
        let limit = try call.limit()
        let events = try call.operations.audit(
            after: try call.number("after", of: "an audit row") ?? 0, limit: limit + 1)
        return try page(events, limit, number: \.number)
    }

    private static func checkpoints(_ call: Call) throws -> WebResponse {
        let limit = try call.limit()
        let marks = try call.operations.auditCheckpoints(
            after: try call.number("after", of: "an audit row") ?? 0, limit: limit + 1)
        return try page(marks, limit, number: \.number)
    }

    private static func head(_ call: Call) throws -> WebResponse {
        try .json(try call.operations.auditHead())
    }

    private static func beginning(_ call: Call) throws -> WebResponse {
        try .json(try call.operations.auditLogBeginning())
    }

    private static func page<Item: Codable & Hashable & Sendable>(
        _ items: [Item], _ limit: Int, number: (Item) -> UInt64
    ) throws -> WebResponse {
        let shown = Array(items.prefix(limit))
        return try .json(Page(items: shown, next: items.count > limit ? shown.last.map { "\(number($0))" } : nil))
    }
}

import Orchestration
import Rollouts
import WebMessages
import WireFormat

/// What is kept, and what would go.
enum RetentionRoutes {
    static let all: [Route] = [
        Route(
            "GET", "/v1/retention", .person(.read, within: .fleet), query: ["evidence", "audit", "artifacts"],
            .blocking(retention))
    ]

    private static func retention(_ call: Call) throws -> WebResponse {
        try .json(
            try call.operations.retention(
                RetentionChoice(
                    evidence: try time("evidence", call), audit: try time("audit", call),
                    artifacts: try time("artifacts", call))))
    }

    /// A setting of the query, where it is given.
    private static func time(_ parameter: String, _ call: Call) throws -> KeptTime? {
        guard let text = call.request.queryValue(parameter) else { return nil }
        guard let time = KeptTime(text) else {
            throw Problem.badParameter(parameter, "use forever, or a number and d, h, m or s, such as 365d")
        }
        return time
    }
}

import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

/// One operation as `openapi.yaml` describes it.
private struct Described: Hashable {
    var route: String
    var access = ""
    var query: Set<String> = []
    var hasBody = false
    var takesIdempotencyKey = false
}

/// Reads `openapi.yaml` as far as routes go: its layout is fixed (two blanks a level), so that no YAML reader is
/// needed.
private struct DescriptionReader {
    private(set) var operations: [Described] = []
    /// The names of the query parameters that are declared, by the key they are referred to with.
    private var queryNames: [String: String] = [:]
    private let lines = String(decoding: APIDescription.yaml, as: UTF8.self).split(separator: "\n").map(String.init)

    init() {
        readParameters()
        readPaths()
    }

    private func section(_ start: String, endingAt indentation: String) -> ArraySlice<String> {
        let rest = lines.drop { $0 != start }.dropFirst()
        return rest.prefix { $0.hasPrefix(indentation) }
    }

    private mutating func readParameters() {
        var key = ""
        var name = ""
        for line in section("  parameters:", endingAt: "    ") {
            let text = String(line.drop { $0 == " " })
            if !line.hasPrefix("     ") { key = String(text.dropLast()) }
            if text.hasPrefix("name: ") { name = String(text.dropFirst(6)) }
            if text == "in: query" { queryNames[key] = name }
        }
    }

    private mutating func readPaths() {
        var path = ""
        for line in lines.drop(while: { $0 != "paths:" }).dropFirst().prefix(while: { $0.hasPrefix(" ") }) {
            let text = String(line.drop { $0 == " " })
            let methods = ["get:", "put:", "post:", "patch:", "delete:"]
            if line.hasPrefix("  /") {
                path = String(text.dropLast())
            } else if line.hasPrefix("    "), !line.hasPrefix("     "), methods.contains(text) {
                operations.append(Described(route: "\(text.dropLast().uppercased()) \(path)"))
            } else if let last = operations.indices.last {
                read(text, into: &operations[last])
            }
        }
    }

    private func read(_ text: String, into operation: inout Described) {
        if text.hasPrefix("x-access: ") { operation.access = String(text.dropFirst(10)) }
        if text == "requestBody:" { operation.hasBody = true }
        if let range = text.firstRange(of: "#/components/parameters/") {
            let key = String(text[range.upperBound...].prefix { $0 != "'" })
            if let name = queryNames[key] { operation.query.insert(name) }
            if key == "IdempotencyKey" { operation.takesIdempotencyKey = true }
        }
    }
}

@Suite struct APIDescriptionTests {
    private static func word(_ access: Access) -> String {
        switch access {
        case .open: "open"
        case .device: "device"
        case .person(let permission, _): permission.rawValue
        case .deviceOrPerson(let permission, _): "device or \(permission.rawValue)"
        case .anyone: "anyone"
        case .scraper: "open or scrape"
        }
    }

    @Test("openapi.yaml describes exactly the routes: who may call them, their query, body and idempotency key")
    func routes() {
        let described = DescriptionReader().operations
        let routes = OrchestratorAPI.routes.map { route in
            Described(
                route: "\(route.method) \(route.template)", access: Self.word(route.access), query: Set(route.query),
                hasBody: route.body != .none, takesIdempotencyKey: route.replay == .kept)
        }
        #expect(Set(described).subtracting(routes) == [])
        #expect(Set(routes).subtracting(described) == [])
        #expect(Set(routes).count == routes.count, "a route is declared twice")
        #expect(described.count == routes.count, "a route is described twice")
    }

    @Test("only health, metrics, the description, the certificate authority and enrolment are open")
    func open() {
        let open = OrchestratorAPI.routes.filter { $0.access == .open }.map(\.template)
        #expect(
            Set(open) == [
                "/healthz", "/readyz", "/openapi.yaml", "/v1/certificate-authority", "/v1/enrolments",
                "/.well-known/jwks.json",
            ])
    }

    @Test("the description is served and has an entity tag")
    func served() throws {
        let api = TestAPI()
        let reply = try api.send("GET", "/openapi.yaml", as: nil)
        #expect(reply.status == 200)
        #expect(reply.header("Content-Type") == "application/yaml")
        #expect(reply.text.hasPrefix("openapi: 3.1.0\n"))
        let tag = try #require(reply.header("ETag"))
        #expect(try api.send("GET", "/openapi.yaml", as: nil, headers: ["if-none-match": tag]).status == 304)
    }
}

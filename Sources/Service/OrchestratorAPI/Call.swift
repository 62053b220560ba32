import Fleet
import ModelTrust
import Orchestration
import Rollouts
import WebMessages
import WireFormat

/// One request on its way through its route: what actions read their input from.
struct Call: Sendable {
    /// How many items of a list are given where nobody says, and at most.
    static let pageLimits = (standard: 100, largest: 1000)

    let api: OrchestratorAPI
    let route: Route
    let request: WebRequest
    let parameters: [String: String]
    /// Who calls; nil on an open route.
    let caller: Caller?

    var operations: any FleetOperations { api.surroundings.operations }

    /// Who calls, on a route that asks for a credential.
    func authenticated() throws -> Caller {
        guard let caller else { throw Problem.credentialMissing }
        return caller
    }

    // MARK: - Scope

    /// Whether something is within the caller's scope.
    func isWithinScope(_ subject: ScopeSubject) throws -> Bool {
        operations.includes(subject, in: try authenticated().scope)
    }

    /// Refuses what is not within the caller's scope.
    func requireScope(includes subject: ScopeSubject, _ noun: String) throws {
        guard try isWithinScope(subject) else { throw api.outOfScope(noun, of: try authenticated()) }
    }

    /// Refuses what a body asks for where the caller's scope does not include it.
    func requireScope(includes holds: (OperatorScope) -> Bool, _ noun: String, field: String) throws {
        let caller = try authenticated()
        guard holds(caller.scope) else { throw api.outOfScope(noun, of: caller, field: field) }
    }

    /// Refuses a deployment that is, or may come to be, about models or devices beyond the caller's scope.
    func requireScope(of deployment: Deployment) throws {
        try requireScope(
            includes: { $0.includes(model: deployment.model) }, "model \(deployment.model)", field: "model")
        try requireScope(
            includes: { $0.includes(model: deployment.model, on: deployment.selector) },
            deployment.selector.isEmpty ? "every device" : "every device that \"\(deployment.selector)\" may match",
            field: "selector")
    }

    // MARK: - Path and query

    /// A path parameter as it was sent.
    func text(_ parameter: String) -> String { parameters[parameter] ?? "" }

    /// A path parameter that is a name.
    func name<Subject: NameSubject>(_ parameter: String) throws -> Name<Subject> {
        try Self.name(text(parameter), parameter)
    }

    /// A path parameter that is a digest.
    func digest(_ parameter: String) throws -> Digest {
        guard let digest = Digest(hex: text(parameter)) else {
            throw Problem.badParameter(parameter, "use 64 lower-case hexadecimal digits (SHA-256)")
        }
        return digest
    }

    /// A query parameter that is a name, where it is given.
    func queryName<Subject: NameSubject>(_ parameter: String) throws -> Name<Subject>? {
        try request.queryValue(parameter).map { try Self.name($0, parameter) }
    }

    /// A query parameter that is `true` or `false`, where it is given.
    func queryFlag(_ parameter: String) throws -> Bool? {
        switch request.queryValue(parameter) {
        case nil: return nil
        case "true": return true
        case "false": return false
        default: throw Problem.badParameter(parameter, "use true or false")
        }
    }

    /// The selector of the query; an absent one matches every device.
    func selector() throws -> Selector {
        do throws(InvalidSelector) {
            return try Selector(request.queryValue("selector") ?? "")
        } catch {
            throw Problem.badParameter("selector", error.description)
        }
    }

    /// A number of the path, counted from 1.
    func positiveNumber(_ parameter: String) throws -> Int {
        guard let number = parameters[parameter].flatMap({ Int($0) }), number >= 1 else {
            throw Problem.badParameter(parameter, "use a number from 1 on")
        }
        return number
    }

    /// How many items are wanted.
    func limit() throws -> Int {
        guard let text = request.queryValue("limit") else { return Self.pageLimits.standard }
        guard let limit = Int(text), (1...Self.pageLimits.largest).contains(limit) else {
            throw Problem.badParameter("limit", "use 1 to \(Self.pageLimits.largest)")
        }
        return limit
    }

    /// A query parameter that is a number, where it is given.
    func number(_ parameter: String, of noun: String) throws -> UInt64? {
        guard let text = request.queryValue(parameter) else { return nil }
        guard let number = UInt64(text) else {
            throw Problem.badParameter(parameter, "use the number of \(noun)")
        }
        return number
    }

    /// Refuses query parameters that the route does not know or that are given twice.
    func checkQuery() throws {
        var seen: Set<String> = []
        for (name, _) in request.query {
            guard route.query.contains(name) else {
                let known = route.query.isEmpty ? "none is known here" : "known: \(route.query.joined(separator: ", "))"
                throw Problem.badParameter(name.clipped, "this parameter is unknown; leave it out (\(known))")
            }
            guard seen.insert(name).inserted else { throw Problem.badParameter(name, "give this parameter once") }
        }
    }

    private static func name<Subject: NameSubject>(_ text: String, _ parameter: String) throws -> Name<Subject> {
        do throws(InvalidName) {
            return try Name<Subject>(text)
        } catch {
            throw Problem.badParameter(parameter, error.description)
        }
    }

    // MARK: - Body

    /// Refuses a body that is too long or of another type than the route takes.
    func checkBody() throws {
        guard request.body.count <= route.body.limitBytes else {
            throw Problem.bodyTooLarge(limitBytes: route.body.limitBytes)
        }
        let type = request.header("content-type")
        let mediaType = type?.split(separator: ";").first.map { $0.filter { $0 != " " }.lowercased() }
        switch route.body {
        case .json where mediaType != "application/json":
            throw Problem.wrongContentType(type, wanted: "application/json")
        case .bytes where mediaType != "application/octet-stream":
            throw Problem.wrongContentType(type, wanted: "application/octet-stream")
        case .none, .json, .bytes: break
        }
    }

    /// The body as a value; `named` is a field whose value the path fixes.
    func body<Value: Decodable>(
        _ type: Value.Type, named: (field: String, value: String)? = nil
    ) throws -> Value {
        try JSONBody.read(type, from: request.body, limitBytes: route.body.limitBytes, named: named)
    }
}

extension WebResponse {
    /// A value as JSON.
    static func json(
        _ value: some Encodable, status: Int = 200, headers: [(name: String, value: String)] = []
    ) throws -> WebResponse {
        WebResponse(
            status: status, headers: [(name: "Content-Type", value: "application/json")] + headers,
            body: .bytes(try JSONText.encode(value)))
    }

    /// Done, and nothing to say.
    static let noContent = WebResponse(status: 204)

    /// Plain text.
    static func text(_ text: String, status: Int = 200) -> WebResponse {
        WebResponse(
            status: status, headers: [(name: "Content-Type", value: "text/plain; charset=utf-8")],
            body: .bytes(Array(text.utf8)))
    }
}

extension Page {
    /// One page of a list that is in memory: `limit` items behind the one whose key is `after`.
    ///
    /// - Throws: ``WireFormat/Problem`` where no item has that key.
    static func of(_ items: [Item], _ call: Call, key: (Item) -> String) throws -> Page {
        let limit = try call.limit()
        var rest = items[...]
        if let after = call.request.queryValue("after") {
            guard let index = items.firstIndex(where: { key($0) == after }) else {
                throw Problem.badParameter("after", "use the next of the page before, or start again without it")
            }
            rest = items[(index + 1)...]
        }
        let page = Array(rest.prefix(limit))
        return Page(items: page, next: rest.count > limit ? page.last.map(key) : nil)
    }
}

/// All routes, found by method and path.
struct RouteTable: Sendable {
    /// What a method and a path lead to.
    enum Match: Sendable {
        /// A route, and the values of its path parameters.
        case route(Route, parameters: [String: String])
        /// A known path that has other methods.
        case otherMethods([String])
        /// Nothing.
        case unknownPath
    }

    /// The routes in the order of their declaration.
    let routes: [Route]
    private let byLength: [Int: [Route]]

    init(_ routes: [Route]) {
        self.routes = routes
        byLength = Dictionary(grouping: routes) { $0.segments.count }
    }

    /// Finds the route of a request.
    ///
    /// HEAD is answered as GET is, without its body.
    func match(method: String, path: String) -> Match {
        let pieces = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        let method = method == "HEAD" ? "GET" : method
        var others: [String] = []
        for route in byLength[pieces.count] ?? [] {
            guard let parameters = Self.parameters(of: route, in: pieces) else { continue }
            if route.method == method { return .route(route, parameters: parameters) }
            others.append(route.method)
        }
        guard others.isEmpty else { return .otherMethods(Self.allowed(others)) }
        return .unknownPath
    }

    private static func parameters(of route: Route, in pieces: [Substring]) -> [String: String]? {
        var parameters: [String: String] = [:]
        for (segment, piece) in zip(route.segments, pieces) {
            switch segment {
            case .literal(let text):
                guard piece == text else { return nil }
            case .parameter(let name):
                parameters[name] = String(piece)
            }
        }
        return parameters
    }

    private static func allowed(_ methods: [String]) -> [String] {
        methods.contains("GET") ? methods.sorted() + ["HEAD"] : methods.sorted()
    }
}

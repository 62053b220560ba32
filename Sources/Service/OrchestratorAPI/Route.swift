import WebMessages
import WireFormat

/// Who may call a route.
enum Access: Hashable, Sendable {
    /// Everyone, without a credential.
    case open
    /// A device, as itself only.
    case device
    /// An operator whose role permits this, for what is within its scope.
    case person(OperatorPermission, within: ScopeRule)
    /// Any device, and such an operator.
    case deviceOrPerson(OperatorPermission, within: ScopeRule)
    /// Whoever has a credential.
    case anyone
    /// Everyone; where metrics need a key, an operator who may scrape.
    case scraper

    /// The listeners of those who may call.
    var audience: Audience {
        switch self {
        case .open, .deviceOrPerson, .anyone: .everyone
        case .scraper: .scrapers
        case .device: .devices
        case .person: .operators
        }
    }
}

/// What an operator's scope bounds on a route.
enum ScopeRule: Hashable, Sendable {
    /// Nothing: the same for everybody who may call it.
    case free
    /// All of it: what the route is about is the whole fleet's, and needs a scope without bounds.
    case fleet
    /// What the action says: it leaves out of a list what is not within, or looks at the body.
    case action
    /// The path's device.
    case device
    /// The path's model.
    case model
    /// The path's digest of a version.
    case version
    /// The path's digest of a file.
    case artifact
    /// The path's policy.
    case policy
    /// The path's deployment.
    case deployment
    /// The path's rollout.
    case rollout
}

/// Who a listener is for; the routes of the other side are unknown on it.
public enum Audience: Hashable, Sendable {
    /// Devices and operators on one listener.
    case everyone
    /// Devices.
    case devices
    /// People, and machines with an operator key.
    case operators
    /// Scrapers: a listener for the metrics alone.
    case scrapers

    /// Whether a listener for this audience has a route for that one.
    func includes(_ other: Audience) -> Bool {
        switch (self, other) {
        case (.scrapers, _): other == .scrapers
        case (_, .scrapers): true
        default: self == .everyone || other == .everyone || self == other
        }
    }
}

/// What a route takes as its body.
enum BodyRule: Hashable, Sendable {
    /// None.
    case none
    /// A JSON document of at most so many bytes.
    case json(limitBytes: Int)
    /// Bytes as they are, at most so many.
    case bytes(limitBytes: Int)

    /// The longest body, in bytes.
    var limitBytes: Int {
        switch self {
        case .none: 0
        case .json(let limit), .bytes(let limit): limit
        }
    }
}

/// What an `Idempotency-Key` does on a route.
enum ReplayRule: Hashable, Sendable {
    /// Nothing: repeating the request is harmless by itself.
    case ignored
    /// The first reply is kept for 24 hours and repeated.
    case kept
    /// The request is refused: its reply holds a secret, which is never stored.
    case refused
}

/// How a route is answered.
enum Action: Sendable {
    /// On the calling thread; must touch memory only.
    case fast(@Sendable (Call) throws -> WebResponse)
    /// On a worker thread; may touch the store and the disk.
    case blocking(@Sendable (Call) throws -> WebResponse)
    /// By the action itself, which may hold the request open; returns without blocking.
    case held(@Sendable (Call, @escaping @Sendable (WebResponse) -> Void) throws -> Void)
}

/// One route of the API as a value: what it is called, who may call it, and what answers.
struct Route: Sendable {
    /// The method, upper case.
    var method: String
    /// The path with its parameters in braces, such as `/v1/devices/{device}`; also the `handler` label of metrics.
    var template: String
    /// Who may call it.
    var access: Access
    /// What it takes as its body.
    var body: BodyRule
    /// The query parameters it knows; any other is refused.
    var query: [String]
    /// What an `Idempotency-Key` does.
    var replay: ReplayRule
    /// What answers.
    var action: Action
    /// On which listeners it is.
    var audience: Audience

    /// The segments of the template.
    let segments: [Segment]

    /// One piece of a path between slashes.
    enum Segment: Hashable, Sendable {
        /// This text.
        case literal(String)
        /// Anything, known by this name.
        case parameter(String)
    }

    init(
        _ method: String, _ template: String, _ access: Access, body: BodyRule = .none, query: [String] = [],
        replay: ReplayRule = .ignored, audience: Audience? = nil, _ action: Action
    ) {
        self.method = method
        self.template = template
        self.access = access
        self.body = body
        self.query = query
        self.replay = replay
        self.action = action
        self.audience = audience ?? access.audience
        segments = template.split(separator: "/").map { piece in
            piece.hasPrefix("{") ? .parameter(String(piece.dropFirst().dropLast())) : .literal(String(piece))
        }
    }
}

extension BodyRule {
    /// Declarations, commands and requests of people.
    static let declaration = BodyRule.json(limitBytes: 64 << 10)
    /// A signed key set.
    static let keySet = BodyRule.json(limitBytes: 1 << 20)
    /// A live heartbeat; 1 KB is usual.
    static let heartbeat = BodyRule.json(limitBytes: 64 << 10)
    /// Points of a device's ring.
    static let history = BodyRule.json(limitBytes: 1 << 20)
    /// Attempt reports: 100 with 4 KiB of detail each.
    static let reports = BodyRule.json(limitBytes: 1 << 20)
    /// A signature bundle and a list of files.
    static let registration = BodyRule.json(limitBytes: 4 << 20)
    /// One piece of an artifact.
    static let piece = BodyRule.bytes(limitBytes: 8 << 20)
}

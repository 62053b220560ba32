public import Fleet

/// What routes ask of an operator's role.
public enum OperatorPermission: String, Codable, Hashable, Sendable, CaseIterable {
    /// Scrapes the metrics, where they need a key.
    case scrape
    /// Reads everything else.
    case read
    /// Uploads artifacts and registers versions.
    case publish
    /// Applies policies and deployments, commands, approves and labels rollouts.
    case release
    /// Makes enrolment tokens; labels and retires devices.
    case devices
    /// Makes, rotates and revokes keys; takes back what a policy demands of others.
    case administer
}

/// What an operator may do.
public enum OperatorRole: String, Codable, Hashable, Sendable, CaseIterable {
    /// Reads.
    case viewer
    /// Everything but keys.
    case `operator`
    /// Deploys, commands and approves rollouts.
    case releaseManager = "release_manager"
    /// Publishes versions and starts nothing: for CI.
    case publisher
    /// Everything.
    case admin
    /// Scrapes the metrics.
    case scraper

    /// What the role permits.
    public var permissions: Set<OperatorPermission> {
        switch self {
        case .scraper: [.scrape]
        case .viewer: [.scrape, .read]
        case .publisher: [.scrape, .read, .publish]
        case .releaseManager: [.scrape, .read, .release]
        case .operator: [.scrape, .read, .publish, .release, .devices]
        case .admin: Set(OperatorPermission.allCases)
        }
    }

    /// Whether the role acts on single models or devices, so that a scope means something.
    public var canBeScoped: Bool {
        switch self {
        case .viewer, .operator, .releaseManager, .publisher: true
        case .admin, .scraper: false
        }
    }

    /// The roles that permit something, weakest first as far as they can be compared.
    public static func permitting(_ permission: OperatorPermission) -> [OperatorRole] {
        allCases.filter { $0.permissions.contains(permission) }
    }
}

/// Who holds an operator key.
public enum KeyHolder: String, Codable, Hashable, Sendable, CaseIterable {
    /// A person; whose keys have one name is one person.
    case person
    /// A machine, such as CI; it approves nothing.
    case machine
}

/// Which models and devices an operator's role is for; everything by default.
///
/// Models and versions are bounded by the patterns, devices by the selector, deployments and rollouts by both: a
/// deployment is within a scope when its model is and its selector can find devices of the scope only.
public struct OperatorScope: Codable, Hashable, Sendable {
    /// The models; empty for all.
    public let models: [ModelPattern]
    /// The devices; the empty selector for all.
    public let selector: Selector

    /// The most patterns.
    public static let patternLimit = 20

    /// The scope without bounds.
    public static let everything = OperatorScope()

    /// Bounds a role.
    public init(models: [ModelPattern] = [], selector: Selector = .everything) {
        self.models = models
        self.selector = selector
    }

    /// Reads a scope; a bound that is left out is none.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        models = try fields.decodeIfPresent([ModelPattern].self, forKey: .models) ?? []
        selector = try fields.decodeIfPresent(Selector.self, forKey: .selector) ?? .everything
    }

    private enum CodingKeys: String, CodingKey {
        case models, selector
    }

    /// True where nothing is bounded.
    public var isEverything: Bool { models.isEmpty && selector.isEmpty }

    /// Whether a model is within.
    public func includes(model: ModelName) -> Bool { models.isEmpty || models.contains { $0.matches(model) } }

    /// Whether a device with these labels is within.
    public func includes(labels: Labels) -> Bool { selector.matches(labels) }

    /// Whether a deployment of a model, on whatever devices its selector finds, is within.
    public func includes(model: ModelName, on devices: Selector) -> Bool {
        includes(model: model) && devices.isWithin(selector)
    }
}

extension OperatorScope: CustomStringConvertible {
    /// `models detector*, ocr; devices site=berlin`, or `everything`.
    public var description: String {
        var parts: [String] = []
        if !models.isEmpty { parts.append("models " + models.map(\.description).joined(separator: ", ")) }
        if !selector.isEmpty { parts.append("devices \(selector)") }
        return parts.isEmpty ? "everything" : parts.joined(separator: "; ")
    }
}

import Fleet
import Rollouts
import WireFormat

/// A declaration that can be applied.
enum Manifest: Hashable {
    case policy(Policy)
    case deployment(Deployment)

    /// The word in documents.
    var kind: ManifestKind {
        switch self {
        case .policy: .policy
        case .deployment: .deployment
        }
    }

    /// `policy/demo` or `deployment/digits`.
    var title: String {
        switch self {
        case .policy(let policy): "policy/\(policy.name)"
        case .deployment(let deployment): "deployment/\(deployment.name)"
        }
    }

    /// The order of applying: what is referred to comes first.
    static func inOrder(_ manifests: [Manifest]) -> [Manifest] {
        manifests.filter { $0.kind == .policy } + manifests.filter { $0.kind == .deployment }
    }
}

/// The kinds of declarations.
enum ManifestKind: String, CaseIterable, Codable {
    case policy = "Policy"
    case deployment = "Deployment"
}

extension Manifest: Encodable {
    private enum CodingKeys: String, CodingKey { case kind }

    /// The kind beside the resource's own fields: what can be applied again.
    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(kind, forKey: .kind)
        switch self {
        case .policy(let policy): try policy.encode(to: encoder)
        case .deployment(let deployment): try deployment.encode(to: encoder)
        }
    }
}

/// What is wrong with a file of declarations, and where.
struct ManifestFault: Error, Hashable, CustomStringConvertible {
    /// The file's name, `-` for the input.
    var file: String
    /// The line, counted from 1; nil where it is not known.
    var line: Int?
    /// What is wrong and what to do.
    var fault: String

    var description: String {
        let place = file == "-" ? "the input" : file
        return "\(place)\(line.map { ":\($0)" } ?? ""): \(fault)"
    }
}

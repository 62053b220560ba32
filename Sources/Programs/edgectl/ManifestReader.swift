import CanaryAnalysis
import Fleet
import Rollouts
import WireFormat
import Yams

/// Reads declarations from YAML (JSON is YAML too), several documents in one text.
///
/// Each document has a `kind` and its fields beside it or below `spec`. A field that the kind does not have is refused,
/// because a misspelt field that is ignored would run a rollout under another policy than its author meant.
struct ManifestReader {
    /// The name of the file for errors.
    let file: String
    /// The largest text, bytes.
    static let limitBytes = 4 << 20

    /// Reads all documents, in their order.
    ///
    /// - Throws: ``ManifestFault`` for the first thing that is wrong.
    func manifests(in text: String) throws(ManifestFault) -> [Manifest] {
        let nodes = try documents(text)
        var manifests: [Manifest] = []
        for node in nodes where node != Node("", Tag(.null)) { manifests.append(try manifest(node)) }
        guard !manifests.isEmpty else { throw fault("there is no document; write `kind: Deployment` and its fields") }
        return manifests
    }

    /// The documents of a text, empty ones too.
    func documents(_ text: String) throws(ManifestFault) -> [Node] {
        do {
            let parser = try Parser(yaml: text)
            var documents: [Node] = []
            while let document = try parser.nextRoot() { documents.append(document) }
            return documents
        } catch let error as YamlError {
            throw fault(Self.reason(error), line: Self.line(error))
        } catch {
            throw fault("not YAML: \(error)")
        }
    }

    private func manifest(_ node: Node) throws(ManifestFault) -> Manifest {
        guard let mapping = node.mapping else {
            throw fault("a document must be a mapping with `kind:` and fields", node)
        }
        let known = ManifestKind.allCases.map(\.rawValue).joined(separator: " or ")
        guard let word = mapping["kind"] else { throw fault("kind is missing; write `kind: \(known)`", node) }
        guard let kind = word.string.flatMap(ManifestKind.init) else {
            throw fault("kind \"\(word.string ?? "?")\" is unknown; use \(known)", word)
        }
        let fields = try fields(mapping, of: node)
        switch kind {
        case .policy:
            try refuseUnknown(fields, known: .policy)
            let policy: Policy = try decoded(fields)
            if let first = policy.faults.first { throw fault(first.description, fields) }
            return .policy(policy)
        case .deployment:
            try refuseUnknown(fields, known: .deployment)
            return .deployment(try decoded(fields))
        }
    }

    /// The fields below `spec`, together with those beside it, or those beside `kind`.
    private func fields(_ mapping: Node.Mapping, of node: Node) throws(ManifestFault) -> Node {
        var own = mapping
        own["kind"] = nil
        guard let spec = own["spec"] else { return Node.mapping(own) }
        own["spec"] = nil
        guard let inner = spec.mapping else { throw fault("spec must be a mapping of fields", spec) }
        for (key, value) in inner {
            guard own[key] == nil else {
                throw fault("\(key.string ?? "?") is given beside spec and in it; give it once", key)
            }
            own[key] = value
        }
        return Node.mapping(own)
    }

    private func refuseUnknown(_ node: Node, known: KnownFields) throws(ManifestFault) {
        switch (node, known) {
        case (.mapping(let mapping), .object(let fields)):
            for (key, value) in mapping {
                let name = key.string ?? "?"
                guard let inner = fields[name] else {
                    throw fault(
                        "unknown field \(name); known here: \(fields.keys.sorted().joined(separator: ", "))", key)
                }
                try refuseUnknown(value, known: inner)
            }
        case (.sequence(let sequence), .list(let inner)):
            for value in sequence { try refuseUnknown(value, known: inner) }
        default: return
        }
    }

    private func decoded<Value: Decodable>(_ node: Node) throws(ManifestFault) -> Value {
        do {
            return try YAMLDecoder().decode(Value.self, from: node)
        } catch let error as DecodingError {
            throw fault(Self.reason(error), node)
        } catch {
            throw fault("\(error)", node)
        }
    }

    private func fault(_ text: String, _ node: Node? = nil, line: Int? = nil) -> ManifestFault {
        ManifestFault(file: file, line: line ?? node?.mark?.line, fault: text)
    }

    private static func line(_ error: YamlError) -> Int? {
        switch error {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        case .duplicatedKeysInMapping(_, let context): context.mark.line
        default: nil
        }
    }

    private static func reason(_ error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _):
            "not YAML: \(problem); check the indentation and the quotes"
        case .duplicatedKeysInMapping(let keys, _):
            "\(keys.map { "\($0)" }.joined(separator: ", ")) is given twice; give it once"
        default: "not YAML: \(error)"
        }
    }

    private static func reason(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _):
            key.stringValue == "selector"
                ? "selector is missing; write `selector: \"\"` for every device" : "\(key.stringValue) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            "\(path(context.codingPath)): \(context.debugDescription)"
        @unknown default: "\(error)"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.reduce("") { path, key in
            key.intValue.map { "\(path)[\($0)]" } ?? (path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)")
        }
    }
}

/// Which fields a declaration has: read off a declaration that has them all, so that no list of names can go stale.
indirect enum KnownFields: Hashable, Sendable {
    case object([String: KnownFields])
    case list(KnownFields)
    case value

    /// The fields of a policy.
    static let policy =
        PolicyName(rawValue: "p").map { name in
            KnownFields(of: Policy(name: name, metrics: [MetricPolicy(name: "m", limit: 1)]))
        } ?? .value

    /// The fields of a deployment.
    static let deployment: KnownFields = {
        guard let name = DeploymentName(rawValue: "d"), let model = ModelName(rawValue: "m"),
            let version = VersionName(rawValue: "v"), let policy = PolicyName(rawValue: "p"),
            let device = DeviceID(rawValue: "e")
        else { return .value }
        return KnownFields(
            of: Deployment(
                name: name, selector: .everything, devices: [device], model: model, version: version, policy: policy,
                placebo: PlaceboSchedule(everyHours: 168), canaries: .selector(.everything)))
    }()

    private init(of declaration: some Encodable) {
        guard let text = try? YAMLEncoder().encode(declaration), let node = try? Yams.compose(yaml: text) else {
            self = .value
            return
        }
        self.init(node)
    }

    private init(_ node: Node) {
        if let mapping = node.mapping {
            let named = mapping.compactMap { key, value in key.string.map { ($0, KnownFields(value)) } }
            self = .object(Dictionary(named) { first, _ in first })
        } else if let first = node.sequence?.first {
            self = .list(KnownFields(first))
        } else {
            self = .value
        }
    }
}

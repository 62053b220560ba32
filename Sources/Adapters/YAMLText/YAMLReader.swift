internal import CYAML

/// Reads YAML by libyaml, without Foundation: it would be most of a device's program.
public enum YAMLReader {
    /// So deep may a value lie.
    static let depthLimit = 64

    /// The one document of a text; nil where it holds nothing but comments.
    ///
    /// - Throws: ``YAMLFault`` where it is not YAML, a name comes twice, values lie more than 64 deep, or a second
    ///   document follows.
    public static func read(_ text: String) throws(YAMLFault) -> YAMLNode? {
        let events = YAMLEvents(Array(text.utf8))
        var anchors: [String: YAMLNode] = [:]
        var document: YAMLNode?
        while true {
            let event = try events.next()
            switch event.kind {
            case .end: return document
            case .other: continue
            default:
                guard document == nil else {
                    throw YAMLFault(line: event.line, reason: "a second document begins; only one is read")
                }
                document = try node(from: event, events, &anchors, depth: 0)
            }
        }
    }

    private static func node(
        from event: YAMLEvent, _ events: YAMLEvents, _ anchors: inout [String: YAMLNode], depth: Int
    ) throws(YAMLFault) -> YAMLNode {
        guard depth < depthLimit else {
            throw YAMLFault(line: event.line, reason: "this lies more than \(depthLimit) levels deep")
        }
        let content: YAMLNode.Content
        switch event.kind {
        case .scalar(let text, let isQuoted): content = .scalar(text, isQuoted: isQuoted)
        case .sequenceStart:
            var items: [YAMLNode] = []
            while true {
                let next = try events.next()
                if case .close = next.kind { break }
                items.append(try node(from: next, events, &anchors, depth: depth + 1))
            }
            content = .sequence(items)
        case .mappingStart: content = .mapping(try entries(events, &anchors, depth: depth))
        case .alias(let name):
            guard let known = anchors[name] else {
                throw YAMLFault(line: event.line, reason: "*\(name) names no value that was marked with &\(name)")
            }
            return known
        case .close, .end, .other: throw YAMLFault(line: event.line, reason: "a value is missing")
        }
        let made = YAMLNode(content: content, line: event.line)
        if let anchor = event.anchor { anchors[anchor] = made }
        return made
    }

    private static func entries(
        _ events: YAMLEvents, _ anchors: inout [String: YAMLNode], depth: Int
    ) throws(YAMLFault) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var seen: Set<String> = []
        while true {
            let name = try events.next()
            if case .close = name.kind { return entries }
            guard case .scalar(let key, _) = name.kind else {
                throw YAMLFault(line: name.line, reason: "a name must be a text")
            }
            guard seen.insert(key).inserted else {
                throw YAMLFault(line: name.line, reason: "\(key) is there twice")
            }
            entries.append(
                YAMLNode.Entry(key: key, value: try node(from: events.next(), events, &anchors, depth: depth + 1)))
        }
    }
}

/// One step through a text.
struct YAMLEvent {
    enum Kind {
        case scalar(String, isQuoted: Bool)
        case alias(String)
        case sequenceStart
        case mappingStart
        /// A sequence or mapping ends.
        case close
        /// The text ends.
        case end
        /// A document or the text begins, or a document ends.
        case other
    }

    let kind: Kind
    let anchor: String?
    let line: Int
}

/// libyaml's parser on bytes that it does not own.
@safe final class YAMLEvents {
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let isReady: Bool

    init(_ text: [UInt8]) {
        unsafe bytes = .allocate(capacity: text.count)
        _ = unsafe bytes.initialize(from: text)
        isReady = unsafe yaml_parser_initialize(parser) == 1
        if isReady { unsafe yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count) }
    }

    deinit {
        if isReady { unsafe yaml_parser_delete(parser) }
        unsafe parser.deallocate()
        unsafe bytes.deallocate()
    }

    func next() throws(YAMLFault) -> YAMLEvent {
        var event = unsafe yaml_event_t()
        guard isReady, unsafe yaml_parser_parse(parser, &event) == 1 else { throw fault }
        defer { unsafe yaml_event_delete(&event) }
        let line = unsafe Int(event.start_mark.line) + 1
        switch unsafe event.type {
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let text = unsafe String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return unsafe YAMLEvent(
                kind: .scalar(text, isQuoted: scalar.style != YAML_PLAIN_SCALAR_STYLE),
                anchor: Self.text(scalar.anchor), line: line)
        case YAML_ALIAS_EVENT:
            return unsafe YAMLEvent(kind: .alias(Self.text(event.data.alias.anchor) ?? ""), anchor: nil, line: line)
        case YAML_SEQUENCE_START_EVENT:
            return unsafe YAMLEvent(
                kind: .sequenceStart, anchor: Self.text(event.data.sequence_start.anchor), line: line)
        case YAML_MAPPING_START_EVENT:
            return unsafe YAMLEvent(
                kind: .mappingStart, anchor: Self.text(event.data.mapping_start.anchor), line: line)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return YAMLEvent(kind: .close, anchor: nil, line: line)
        case YAML_STREAM_END_EVENT: return YAMLEvent(kind: .end, anchor: nil, line: line)
        default: return YAMLEvent(kind: .other, anchor: nil, line: line)
        }
    }

    private var fault: YAMLFault {
        guard isReady else { return YAMLFault(line: 1, reason: "out of memory") }
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "this is not YAML"
        return unsafe YAMLFault(line: Int(parser.pointee.problem_mark.line) + 1, reason: problem)
    }

    private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        unsafe pointer.map { unsafe String(cString: $0) }
    }
}

extension YAMLNode {
    /// The value as a type that can be decoded.
    ///
    /// - Throws: ``YAMLFault`` with the line and the path of what is missing or of another form.
    public func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        try YAMLNodeDecoder(node: self, codingPath: []).decode(Value.self)
    }
}

/// Decodes one node.
private struct YAMLNodeDecoder: Decoder, SingleValueDecodingContainer {
    let node: YAMLNode
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .mapping = node.content else { throw fault("must be a mapping") }
        return KeyedDecodingContainer(MappingContainer<Key>(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .sequence(let items) = node.content else { throw fault("must be a list") }
        return SequenceContainer(decoder: self, items: items)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { node.isNull }

    func decode(_ type: Bool.Type) throws -> Bool {
        // Both spellings of YAML 1.1 that people use for settings.
        switch try plain("true or false").lowercased() {
        case "true", "yes", "on": true
        case "false", "no", "off": false
        default: throw fault("must be true or false")
        }
    }

    func decode(_ type: String.Type) throws -> String {
        guard case .scalar(let text, _) = node.content, !node.isNull else { throw fault("must be a text") }
        return text
    }

    func decode(_ type: Double.Type) throws -> Double { try number("a number") }
    func decode(_ type: Float.Type) throws -> Float { try number("a number") }
    func decode(_ type: Int.Type) throws -> Int { try number("a whole number") }
    func decode(_ type: Int8.Type) throws -> Int8 { try number("a whole number") }
    func decode(_ type: Int16.Type) throws -> Int16 { try number("a whole number") }
    func decode(_ type: Int32.Type) throws -> Int32 { try number("a whole number") }
    func decode(_ type: Int64.Type) throws -> Int64 { try number("a whole number") }
    func decode(_ type: UInt.Type) throws -> UInt { try number("a whole number, not negative") }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try number("a whole number, not negative") }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try number("a whole number, not negative") }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try number("a whole number, not negative") }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try number("a whole number, not negative") }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            return try Value(from: self)
        } catch let DecodingError.dataCorrupted(context) {
            // What a type says of a value that it does not take; where that is, is known here.
            throw fault(context.debugDescription)
        }
    }

    private func number<Number: LosslessStringConvertible>(_ wanted: String) throws -> Number {
        guard let number = Number(try plain(wanted)) else { throw fault("must be \(wanted) of a size that fits") }
        return number
    }

    private func plain(_ wanted: String) throws -> String {
        guard case .scalar(let text, isQuoted: false) = node.content else { throw fault("must be \(wanted)") }
        return text
    }

    func fault(_ wanted: String) -> YAMLFault {
        let place = codingPath.map(\.stringValue).joined(separator: ".")
        return YAMLFault(line: node.line, reason: "\(place.isEmpty ? "this" : place) \(wanted), and is \(node.form)")
    }

    func inner(_ node: YAMLNode, at key: any CodingKey) -> YAMLNodeDecoder {
        YAMLNodeDecoder(node: node, codingPath: codingPath + [key])
    }
}

/// Decodes a mapping.
private struct MappingContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: YAMLNodeDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { decoder.node.keys.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { decoder.node[key.stringValue] != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try inner(key).decodeNil() }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try inner(key).decode(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try inner(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try inner(key).unkeyedContainer()
    }

    func superDecoder() -> any Decoder { decoder }

    func superDecoder(forKey key: Key) throws -> any Decoder { try inner(key) }

    private func inner(_ key: Key) throws -> YAMLNodeDecoder {
        guard let node = decoder.node[key.stringValue] else {
            let path = (codingPath + [key]).map(\.stringValue).joined(separator: ".")
            throw YAMLFault(line: decoder.node.line, reason: "\(path) is missing")
        }
        return decoder.inner(node, at: key)
    }
}

/// Decodes a sequence.
private struct SequenceContainer: UnkeyedDecodingContainer {
    /// A place in a sequence, counted from 0 as in other paths.
    struct Place: CodingKey {
        let number: Int
        init(_ number: Int) { self.number = number }
        init?(intValue: Int) { number = intValue }
        init?(stringValue: String) { return nil }
        var stringValue: String { "\(number)" }
        var intValue: Int? { number }
    }

    let decoder: YAMLNodeDecoder
    let items: [YAMLNode]
    private(set) var currentIndex = 0
    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { items.count }
    var isAtEnd: Bool { currentIndex >= items.count }

    init(decoder: YAMLNodeDecoder, items: [YAMLNode]) {
        self.decoder = decoder
        self.items = items
    }

    mutating func decodeNil() throws -> Bool {
        guard try current().decodeNil() else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value = try current().decode(type)
        currentIndex += 1
        return value
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        let container = try current().container(keyedBy: type)
        currentIndex += 1
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let container = try current().unkeyedContainer()
        currentIndex += 1
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try current()
        currentIndex += 1
        return decoder
    }

    private func current() throws -> YAMLNodeDecoder {
        guard !isAtEnd else { throw decoder.fault("must have more than \(items.count) values") }
        return decoder.inner(items[currentIndex], at: Place(currentIndex))
    }
}

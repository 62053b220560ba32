import ModelTrust
import Rollouts

/// The objects of a document that a type has read; lives on one thread, for one document.
final class FieldUse {
    fileprivate(set) var objects: [ObjectUse] = []

    /// The fields that nobody asked for, in the order their objects were read.
    var unknownFields: [FieldFault] { objects.flatMap(\.unknownFields) }
}

/// Which fields of one object were asked for; what nobody asked for is unknown.
final class ObjectUse {
    let path: [any CodingKey]
    let members: [String: JSONValue]
    private var asked: Set<String> = []
    fileprivate var isOpen = false

    init(_ members: [String: JSONValue], path: [any CodingKey]) {
        self.members = members
        self.path = path
    }

    /// The value of a field that is known to the type that reads the object.
    func ask(for field: String) -> JSONValue? {
        asked.insert(field)
        return members[field]
    }

    /// The fields that nobody asked for, sorted.
    var unknownFields: [FieldFault] {
        members.keys.filter { !asked.contains($0) }.sorted().map { field in
            FieldFault(
                field: (path + [FieldKey(field)]).fieldPath,
                remedy: "this field is unknown; leave it out (known: \(asked.sorted().joined(separator: ", ")))")
        }
    }
}

/// A name or an index in a path.
struct FieldKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ name: String) {
        stringValue = name
        intValue = nil
    }

    init(index: Int) {
        stringValue = "\(index)"
        intValue = index
    }

    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(index: intValue) }
}

/// Decodes a type from one value of a document and says in plain words what is wrong.
struct FieldDecoder: Decoder {
    let value: JSONValue
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]
    let use: FieldUse
    private let object: ObjectUse?

    init(_ value: JSONValue, path: [any CodingKey], use: FieldUse) {
        self.value = value
        codingPath = path
        self.use = use
        if case .object(let members) = value {
            object = ObjectUse(members, path: path)
        } else {
            object = nil
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let object else { throw mismatch(type, "an object") }
        if !object.isOpen {
            object.isOpen = true
            use.objects.append(object)
        }
        return KeyedDecodingContainer(FieldObject<Key>(object: object, use: use))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let values) = value else { throw mismatch([Any].self, "a list") }
        return FieldList(values: values, codingPath: codingPath, use: use)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    /// Decodes the value; a word outside a closed list is answered with the list.
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            return try type.init(from: self)
        } catch DecodingError.dataCorrupted(let context) where context.codingPath.count == codingPath.count {
            guard let list = type as? any CaseIterable.Type else { throw DecodingError.dataCorrupted(context) }
            throw corrupted("use one of \(Self.words(list).joined(separator: ", "))")
        }
    }

    func mismatch(_ type: Any.Type, _ wanted: String) -> DecodingError {
        .typeMismatch(type, .init(codingPath: codingPath, debugDescription: "send \(wanted), not \(value.noun)"))
    }

    func corrupted(_ remedy: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: codingPath, debugDescription: remedy))
    }

    private static func words<Cases: CaseIterable>(_ type: Cases.Type) -> [String] {
        type.allCases.map { ($0 as? any RawRepresentable<String>)?.rawValue ?? "\($0)" }
    }
}

extension FieldDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value == .null }

    func decode(_ type: Bool.Type) throws -> Bool {
        guard case .bool(let flag) = value else { throw mismatch(type, "true or false") }
        return flag
    }

    func decode(_ type: String.Type) throws -> String {
        guard case .string(let text) = value else { throw mismatch(type, "a text") }
        return text
    }

    func decode(_ type: Double.Type) throws -> Double {
        switch value {
        case .integer(let number): Double(number)
        case .number(let number): number
        case .null, .bool, .string, .array, .object: throw mismatch(type, "a number")
        }
    }

    func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }
    func decode(_ type: Int.Type) throws -> Int { try integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer(type) }

    private func integer<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        let exact: Number?
        switch value {
        case .integer(let number): exact = Number(exactly: number)
        case .number(let number): exact = Number(exactly: number)
        case .null, .bool, .string, .array, .object: throw mismatch(type, "a whole number")
        }
        guard let exact else {
            throw corrupted(Number.isSigned ? "send a whole number" : "send a whole number of at least 0")
        }
        return exact
    }
}

extension JSONValue {
    /// What kind of value it is, in words.
    fileprivate var noun: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .integer, .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

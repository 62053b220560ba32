import Fleet
import ModelTrust
import Rollouts
import WireFormat

/// Reads request bodies: strictly, and with every fault named by its field and remedy.
///
/// This is the one door for JSON that comes in; a faster reader for heartbeats takes its place behind it.
enum JSONBody {
    /// How deep a body may nest.
    static let depthLimit = 32

    /// Reads a body.
    ///
    /// - Parameters:
    ///   - limitBytes: the longest body.
    ///   - named: a field and the value it has where the body leaves it out; another value is refused.
    /// - Throws: ``WireFormat/Problem`` with status 400 for what is no JSON and 422 for fields that are wrong or
    ///   unknown.
    static func read<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], limitBytes: Int, named: (field: String, value: String)? = nil
    ) throws -> Value {
        var document = try parse(bytes, limitBytes: limitBytes)
        if let named { document = try document.fixing(named.field, to: named.value) }
        let use = FieldUse()
        do {
            let value = try FieldDecoder(document, path: [], use: use).decode(type)
            let unknown = use.unknownFields
            guard unknown.isEmpty else { throw Problem.badFields(unknown) }
            return value
        } catch let error as DecodingError {
            throw Problem.badFields([FieldFault(error)])
        }
    }

    private static func parse(_ bytes: [UInt8], limitBytes: Int) throws -> JSONValue {
        guard !bytes.isEmpty else {
            throw Problem.badBody("the body is empty", remedy: "send a JSON object")
        }
        do throws(JSONFault) {
            return try JSONValue(parsing: bytes, limits: JSONLimits(bytes: limitBytes, depth: depthLimit))
        } catch {
            throw Problem.badBody("the body is no valid JSON", remedy: "mend it: \(error)")
        }
    }
}

extension JSONValue {
    /// The same object with a field that is known from elsewhere.
    fileprivate func fixing(_ field: String, to value: String) throws -> JSONValue {
        guard case .object(var members) = self else { return self }
        switch members[field] {
        case nil, .null, .string(value): members[field] = .string(value)
        default:
            throw Problem.badFields([
                FieldFault(field: field, remedy: "use \"\(value.clipped)\" as in the path, or leave the field out")
            ])
        }
        return .object(members)
    }
}

extension FieldFault {
    /// What a decoder found wrong, as field and remedy.
    init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            self.init(field: (context.codingPath + [key]).fieldPath, remedy: "this field is required")
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            self.init(field: context.codingPath.fieldPath, remedy: context.debugDescription)
        @unknown default:
            self.init(field: "body", remedy: "\(error)")
        }
    }
}

extension [any CodingKey] {
    /// The path as people write it: `metrics[0].limit`; `body` for the whole.
    var fieldPath: String {
        var text = ""
        for key in self {
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + key.stringValue.clipped
            }
        }
        return text.isEmpty ? "body" : text
    }
}

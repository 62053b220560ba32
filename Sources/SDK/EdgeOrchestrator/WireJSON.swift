internal import WireFormat

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// JSON on the wire: the one place where operator calls meet Foundation.
enum WireJSON {
    static func encode(_ value: some Encodable) throws(OrchestratorError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(value))
        } catch {
            throw .unencodable("\(type(of: value)): \(error)")
        }
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], of attempt: String
    ) throws(OrchestratorError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw .unreadableReply(attempt, reason: Self.reason(error))
        }
    }

    /// The problem in a reply, where it holds one.
    static func problem(in bytes: [UInt8]) -> Problem? {
        try? JSONDecoder().decode(Problem.self, from: Data(bytes))
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        let context: DecodingError.Context
        switch error {
        case .typeMismatch(_, let told), .valueNotFound(_, let told), .dataCorrupted(let told): context = told
        case .keyNotFound(let key, let told):
            return "\(path(told.codingPath + [key])) is missing"
        @unknown default: return "\(error)"
        }
        return "\(path(context.codingPath)): \(context.debugDescription)"
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.isEmpty ? "the document" : keys.map(\.stringValue).joined(separator: ".")
    }
}

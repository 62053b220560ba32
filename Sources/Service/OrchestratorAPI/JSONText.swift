import Foundation

/// JSON as the API writes it.
enum JSONText {
    /// Encodes with sorted keys, so that equal values have equal bytes.
    ///
    /// - Throws: `EncodingError` for a number that JSON cannot spell (not finite).
    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }
}

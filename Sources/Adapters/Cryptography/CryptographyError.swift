internal import COpenSSL

/// What a cryptographic operation failed on.
///
/// It holds the library's own reason and never key material.
public struct CryptographyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted, as a verb phrase: `read the private key`.
    public let operation: String
    /// The library's packed error code; 0 where the library gave none.
    public let code: UInt
    /// Why it failed, as a clause.
    public let reason: String

    /// Makes an error that is not the library's.
    public init(operation: String, reason: String) {
        self.operation = operation
        code = 0
        self.reason = reason
    }

    /// Takes the calling thread's pending errors, the oldest of which is the cause, and leaves none behind.
    init(draining operation: String) {
        var first: UInt = 0
        while true {
            let next = ERR_get_error()
            if next == 0 { break }
            if first == 0 { first = next }
        }
        self.operation = operation
        code = first
        reason = Self.text(of: first)
    }

    /// A sentence for a person.
    public var description: String { "could not \(operation): \(reason)" }

    /// Forgets errors that an answer of "no" left behind, so that no later failure is blamed on them.
    static func discardPending() { ERR_clear_error() }

    private static func text(of code: UInt) -> String {
        guard code != 0 else { return "OpenSSL gave no reason" }
        var buffer = [CChar](repeating: 0, count: 256)
        unsafe buffer.withUnsafeMutableBufferPointer { unsafe ERR_error_string_n(code, $0.baseAddress, $0.count) }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Why a key in a token could not be used; never with a PIN.
public enum HardwareKeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The URI cannot be used.
    case uri(reason: String)
    /// The PKCS #11 library cannot be loaded.
    case module(path: String, reason: String)
    /// No such token is there.
    case tokenAbsent(locator: String)
    /// The token has no such private key.
    case keyAbsent(locator: String)
    /// A private key of this name is in the token already.
    case keyExists(locator: String)
    /// The token asks for a PIN, and none was given.
    case pinMissing(token: String)
    /// The token did not take the PIN; it was tried once.
    case pinWrong(token: String)
    /// The PIN was not tried, because one more wrong one locks the token.
    case pinLastTry(token: String)
    /// The key cannot sign versions.
    case unfit(locator: String, reason: String)
    /// The token or its library failed.
    case failed(operation: String, code: Int, reason: String)

    /// Whether what was asked for is at fault, and not the token.
    public var isOfInput: Bool {
        switch self {
        case .uri, .keyExists, .pinMissing: true
        case .module, .tokenAbsent, .keyAbsent, .pinWrong, .pinLastTry, .unfit, .failed: false
        }
    }

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .uri(let reason): "the key's URI cannot be used: \(reason) (RFC 7512)"
        case .module(let path, let reason):
            "the PKCS #11 library \(path) cannot be loaded: \(reason); check module-path"
        case .tokenAbsent(let locator):
            "no token is there for \(locator); plug it in, or name its library with ?module-path=FILE.so "
                + "(`p11tool --list-tokens` lists tokens)"
        case .keyAbsent(let locator):
            "the token holds no private key for \(locator); check object, or make the key with "
                + "`edgectl key generate`"
        case .keyExists(let locator):
            "the token holds a key for \(locator) already; keys are never overwritten, choose another name"
        case .pinMissing(let token):
            "token \(token) asks for a PIN; name a file with ?pin-source=FILE in the key's URI, or set EDGECTL_PIN"
        case .pinWrong(let token):
            "token \(token) refused the PIN; it was tried once, so that the token does not lock itself"
        case .pinLastTry(let token):
            "token \(token) has one try left before it locks itself, so the PIN was not tried; "
                + "log in with the token's own tool, which sets the tries back"
        case .unfit(let locator, let reason): "the key \(locator) cannot sign versions: \(reason)"
        case .failed(let operation, let code, let reason): "could not \(operation): \(reason) (GnuTLS \(code))"
        }
    }
}

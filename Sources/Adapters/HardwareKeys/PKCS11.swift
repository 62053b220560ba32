internal import CGnuTLS
import Synchronization

/// GnuTLS's one list of PKCS #11 libraries in this process.
@safe enum PKCS11 {
    private struct State {
        var isBegun = false
        var loaded: Set<String> = []
    }

    /// Held during every call to a token: few libraries are made for two at a time, and speed is no matter here.
    private static let lock = Mutex(())
    private static let state = Mutex(State())

    static func used<Result>(_ body: () throws(HardwareKeyError) -> Result) throws(HardwareKeyError) -> Result {
        let outcome: Swift.Result<Result, HardwareKeyError> = lock.withLock { _ in
            do throws(HardwareKeyError) {
                return .success(try body())
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// Loads the library that a URI names, or those that the system's configuration names.
    static func load(_ uri: KeyURI) throws(HardwareKeyError) {
        let path = uri.modulePath
        let (mustBegin, isLoaded) = state.withLock { ($0.isBegun == false, $0.loaded.contains(path ?? "")) }
        if mustBegin || (path == nil && !isLoaded) {
            let flags = path == nil ? GNUTLS_PKCS11_FLAG_AUTO : GNUTLS_PKCS11_FLAG_MANUAL
            let status = gnutls_pkcs11_init(UInt32(flags), nil)
            guard status == 0 else { throw .failed("begin with PKCS #11", status) }
        }
        if let path, !isLoaded {
            let status = unsafe gnutls_pkcs11_add_provider(path, nil)
            guard status == 0 else { throw .module(path: path, reason: text(of: status)) }
        }
        state.withLock { state in
            state.isBegun = true
            state.loaded.insert(path ?? "")
        }
    }

    /// Why a key could not be opened.
    static func absence(of uri: KeyURI, _ refused: HardwareKeyError?, _ status: Int32) -> HardwareKeyError {
        if let refused { return refused }
        var flags: UInt32 = 0
        guard unsafe gnutls_pkcs11_token_get_flags(uri.locator, &flags) == 0 else {
            return .tokenAbsent(locator: uri.locator)
        }
        let isAbsent = [GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE, GNUTLS_E_PKCS11_REQUESTED_OBJECT_NOT_AVAILBLE]
            .contains(status)
        return isAbsent ? .keyAbsent(locator: uri.locator) : .failed("open \(uri)", status)
    }

    static func text(of status: Int32) -> String {
        guard let text = unsafe gnutls_strerror(status) else { return "no reason given" }
        return unsafe String(cString: text)
    }
}

extension HardwareKeyError {
    static func failed(_ operation: String, _ status: Int32) -> HardwareKeyError {
        .failed(operation: operation, code: Int(status), reason: PKCS11.text(of: status))
    }
}

/// What is answered when a token asks for its PIN: the PIN, once.
///
/// `@unchecked Sendable`: used by one thread at a time, under PKCS11's lock.
@safe final class PINPrompt: @unchecked Sendable {
    private let pin: String?
    /// Why the PIN was not given, or not taken.
    private(set) var error: HardwareKeyError?

    init(_ pin: String?) { self.pin = pin }

    /// This object, unretained: whoever hands it out keeps it.
    var pointer: UnsafeMutableRawPointer { unsafe Unmanaged.passUnretained(self).toOpaque() }

    /// Writes the PIN with its zero to the buffer; -1 where it is not given.
    func answer(token: String, flags: UInt32, into buffer: UnsafeMutableBufferPointer<CChar>) -> Int32 {
        guard let pin else { return refuse(.pinMissing(token: token)) }
        guard flags & GNUTLS_PIN_WRONG.rawValue == 0 else { return refuse(.pinWrong(token: token)) }
        guard flags & GNUTLS_PIN_FINAL_TRY.rawValue == 0 else { return refuse(.pinLastTry(token: token)) }
        let bytes = Array(pin.utf8CString)
        guard bytes.count <= buffer.count else { return refuse(.pinWrong(token: token)) }
        for (index, byte) in bytes.enumerated() { unsafe buffer[index] = byte }
        return 0
    }

    private func refuse(_ error: HardwareKeyError) -> Int32 {
        self.error = error
        return -1
    }
}

/// GnuTLS asks for a PIN.
func answerPIN(
    _ context: UnsafeMutableRawPointer?, _ attempt: Int32, _ url: UnsafePointer<CChar>?,
    _ label: UnsafePointer<CChar>?, _ flags: UInt32, _ pin: UnsafeMutablePointer<CChar>?, _ limit: Int
) -> Int32 {
    guard let context = unsafe context, let pin = unsafe pin else { return -1 }
    let prompt = unsafe Unmanaged<PINPrompt>.fromOpaque(context).takeUnretainedValue()
    let token = unsafe label.map { unsafe String(cString: $0) } ?? "without a name"
    return unsafe prompt.answer(
        token: token, flags: flags, into: UnsafeMutableBufferPointer(start: pin, count: limit))
}

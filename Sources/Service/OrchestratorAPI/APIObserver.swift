/// Hears what the API serves, to count and to log it.
///
/// Called on any thread: be quick and do not block.
public protocol APIObserver: Sendable {
    /// A request began to be answered; each is followed by one ``requestFinished(_:)``.
    func requestStarted()

    /// A request was answered.
    func requestFinished(_ record: RequestRecord)

    /// A credential was refused.
    func authenticationFailed(_ failure: AuthenticationFailure, by method: AuthenticationMethod)

    /// An operator's credential called too often; it was answered 429.
    func callLimited()

    /// A use case failed for a reason that the caller cannot mend; it was answered 503.
    func requestFailed(handler: String, error: any Error)
}

/// One answered request, as far as it is counted.
///
/// All texts come from bounded sets.
public struct RequestRecord: Hashable, Sendable {
    /// The route's template, such as `/v1/devices/{device}`; `unmatched` where no route was found.
    public var handler: String
    /// The method, or `other` for one that no route has.
    public var method: String
    /// The status, in 200...599.
    public var status: Int
    /// Seconds from the request to the answer, time held open included.
    public var seconds: Double

    /// Makes a record.
    public init(handler: String, method: String, status: Int, seconds: Double) {
        self.handler = handler
        self.method = method
        self.status = status
        self.seconds = seconds
    }
}

/// How a caller proves who it is; the raw value is the metric label `method`.
public enum AuthenticationMethod: String, CaseIterable, Hashable, Sendable {
    /// A bearer credential, or none at all.
    case bearer
    /// A client certificate.
    case certificate
}

/// Why a credential was refused; the raw value is the metric label `reason`.
public enum AuthenticationFailure: String, CaseIterable, Hashable, Sendable {
    /// None was sent.
    case missing
    /// Nobody has it, or it was revoked.
    case unknown
    /// The caller's role or kind may not call the route.
    case wrongRole = "wrong_role"
    /// What was asked for is not within the caller's scope.
    case outOfScope = "out_of_scope"
    /// The certificate or key has ended.
    case expired
    /// The issuer of a token cannot be asked for its keys.
    case issuerAway = "issuer_unreachable"
    /// A token is good, and gives no role.
    case noRole = "no_role"
    /// A device tried to act as another one.
    case wrongDevice = "wrong_device"
    /// The device was revoked, is being replaced or is in quarantine.
    case barred
}

/// An observer that counts nothing.
public struct SilentAPIObserver: APIObserver {
    /// Makes the observer.
    public init() {}

    /// Does nothing.
    public func requestStarted() {}
    /// Does nothing.
    public func requestFinished(_ record: RequestRecord) {}
    /// Does nothing.
    public func authenticationFailed(_ failure: AuthenticationFailure, by method: AuthenticationMethod) {}
    /// Does nothing.
    public func requestFailed(handler: String, error: any Error) {}
    /// Does nothing.
    public func callLimited() {}
}

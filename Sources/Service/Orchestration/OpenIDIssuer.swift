public import Fleet
public import ModelTrust
import Synchronization

/// Says whom an issuer's token belongs to: a port.
public protocol OperatorIssuer: Sendable {
    /// Whom a token belongs to. Fast: keys that it has.
    func caller(of token: String, at now: Timestamp) throws(CredentialRefusal) -> Caller

    /// Fetches the issuer's keys, where that is due; blocks.
    func refresh(at now: Timestamp)
}

/// An OpenID issuer whose keys are fetched now and then, and when a token names one that is not known.
///
/// While the issuer cannot be reached its keys are believed for a day more; after that its tokens are refused, and
/// operators' keys go on working.
public final class OpenIDIssuer<Key: TokenKey>: OperatorIssuer {
    /// How old keys may be before they are fetched anew, in seconds.
    public static var renewalSeconds: Double { 600 }
    /// How long keys are believed after they were fetched, in seconds.
    public static var keepSeconds: Double { 86_400 }
    /// The least time between two fetches, in seconds: unknown keys in tokens cost the issuer no more.
    public static var pauseSeconds: Double { 30 }

    private struct State {
        var keys: [Key] = []
        var fetchedAt: Timestamp?
        var triedAt: Timestamp?
        var isFetching = false

        func mayFetch(at now: Timestamp) -> Bool {
            !isFetching && (triedAt.map { now.seconds(since: $0) >= pauseSeconds } ?? true)
        }
    }

    private let configuration: OpenIDConfiguration
    private let profile: TokenProfile
    private let fetch: @Sendable () throws -> [Key]
    private let log: any OrchestratorLog
    private let state = Mutex(State())

    /// Believes an issuer's tokens, with keys that `fetch` brings.
    public init(
        _ configuration: OpenIDConfiguration, log: any OrchestratorLog, fetch: @escaping @Sendable () throws -> [Key]
    ) {
        self.configuration = configuration
        self.log = log
        self.fetch = fetch
        profile = .openID(issuer: configuration.issuer, audience: configuration.audience)
    }

    /// See ``OperatorIssuer``.
    public func caller(of token: String, at now: Timestamp) throws(CredentialRefusal) -> Caller {
        let state = state.withLock { $0 }
        guard let fetchedAt = state.fetchedAt, now.seconds(since: fetchedAt) < Self.keepSeconds else {
            throw state.mayFetch(at: now) ? .issuerKeysWanted : .issuerAway(since: state.fetchedAt)
        }
        let claims: TokenClaims
        do throws(TokenRefusal) {
            claims = try profile.claims(in: token, keys: state.keys, now: now.milliseconds / 1000)
        } catch {
            if case .unknownKey = error, state.mayFetch(at: now) { throw .issuerKeysWanted }
            throw .tokenRefused(error.description)
        }
        return .person(try configuration.holder(of: claims))
    }

    /// See ``OperatorIssuer``.
    public func refresh(at now: Timestamp) {
        let isDue = state.withLock { state in
            guard state.mayFetch(at: now) else { return false }
            state.isFetching = true
            state.triedAt = now
            return true
        }
        guard isDue else { return }
        do {
            let keys = try fetch()
            state.withLock { state in
                state.keys = keys
                state.fetchedAt = now
                state.isFetching = false
            }
        } catch {
            let since = state.withLock { state in
                state.isFetching = false
                return state.fetchedAt
            }
            log.warning(
                "the issuer's keys cannot be fetched",
                [
                    "issuer": configuration.issuer, "error": "\(error)",
                    "keys": since.map { "from \($0), believed for a day" } ?? "none",
                ])
        }
    }

    /// Fetches the keys where they are so old that they are looked at again.
    public func refreshIfOld(at now: Timestamp) {
        let isOld = state.withLock { $0.fetchedAt.map { now.seconds(since: $0) >= Self.renewalSeconds } ?? true }
        if isOld { refresh(at: now) }
    }
}

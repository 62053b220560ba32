import Cryptography
import Fleet
import Foundation
import Orchestration
import PrometheusExposition
import Synchronization

/// The issuer of operators' tokens that the file of `--oidc` names now: a changed file holds without a restart.
final class ServedIssuer: OperatorIssuer {
    private struct Current {
        var issuer: OpenIDIssuer<TokenVerificationKey>
        /// What was in the file when it was last tried; empty while it cannot be read.
        var tried: Data
    }

    private let path: String
    private let log: ControllerLog
    private let metrics: MetricRegistry
    private let current: Mutex<Current>

    /// Reads the file.
    ///
    /// - Throws: ``StartFailure`` with everything that is wrong with it.
    init(_ path: String, log: ControllerLog, metrics: MetricRegistry) throws {
        self.path = path
        self.log = log
        self.metrics = metrics
        let text = try Self.read(path)
        current = Mutex(Current(issuer: try ControllerIssuer.issuer(text, of: path, log: log), tried: text))
        for outcome in ["taken", "refused"] { _ = metrics.counter(.issuerReloads, [outcome]) }
    }

    func caller(of token: String, at now: Timestamp) throws(CredentialRefusal) -> Caller {
        try current.withLock { $0.issuer }.caller(of: token, at: now)
    }

    func refresh(at now: Timestamp) { current.withLock { $0.issuer }.refresh(at: now) }

    /// Fetches the issuer's keys, where they are old.
    func refreshIfOld(at now: Timestamp) { current.withLock { $0.issuer }.refreshIfOld(at: now) }

    /// Looks at the file, and believes what it says from the next token on; one that is bad changes nothing.
    func reload() {
        do {
            let text = try Self.read(path)
            let isNew = current.withLock { known in
                defer { known.tried = text }
                return known.tried != text
            }
            guard isNew else { return }
            let fresh = try ControllerIssuer.issuer(text, of: path, log: log)
            // The keys are there before the first token comes; where the issuer is away, the next one asks again.
            fresh.refresh(at: SystemClock().now())
            current.withLock { $0.issuer = fresh }
            metrics.counter(.issuerReloads, ["taken"]).add()
            log.info("issuer's rules reloaded", ["file": path])
        } catch {
            refused(error)
        }
    }

    /// A file that cannot be read is reported once until it can be.
    private func refused(_ error: any Error) {
        if error is UnreadableIssuer {
            let wasReadable = current.withLock { known in
                defer { known.tried = Data() }
                return !known.tried.isEmpty
            }
            guard wasReadable else { return }
        }
        metrics.counter(.issuerReloads, ["refused"]).add()
        log.warning("issuer's rules not reloaded", ["error": "\(error)", "file": path, "effect": "those before hold"])
    }

    private static func read(_ path: String) throws -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw UnreadableIssuer(description: "cannot read --oidc \(path): \(error.localizedDescription)")
        }
    }
}

/// The file cannot be read.
private struct UnreadableIssuer: Error, CustomStringConvertible {
    let description: String
}

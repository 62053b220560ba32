import Fleet
import Orchestration
import Synchronization
import WebMessages
import WireFormat

/// Carries out requests with an `Idempotency-Key` once: a repeated one gets the first one's reply.
///
/// Only replies of success are kept: a refused request changed nothing, and may be mended and sent again under its key.
/// Source: draft-ietf-httpapi-idempotency-key-header.
final class ReplayGuard: Sendable {
    /// The longest key, in characters.
    static let keyLimit = 200

    private let underWay = Mutex<Set<String>>([])

    /// Answers a call, from the kept reply where there is one.
    func answering(_ call: Call, _ action: (Call) throws -> WebResponse) throws -> WebResponse {
        guard let sent = call.request.header("idempotency-key") else { return try action(call) }
        switch call.route.replay {
        case .ignored: return try action(call)
        case .refused: throw Problem.idempotencyKeyRefused
        case .kept: break
        }
        let key = try Self.key(sent, of: call)
        guard underWay.withLock({ $0.insert(key).inserted }) else { throw Problem.idempotencyKeyBusy }
        defer { underWay.withLock { _ = $0.remove(key) } }
        let fingerprint = Self.fingerprint(of: call)
        if let kept = try call.operations.storedReply(key: key) {
            guard kept.fingerprint == fingerprint else { throw Problem.idempotencyKeyReused }
            return kept.response
        }
        let response = try action(call)
        keep(response, key: key, fingerprint: fingerprint, of: call)
        return response
    }

    private func keep(_ response: WebResponse, key: String, fingerprint: Digest, of call: Call) {
        guard (200..<300).contains(response.status), case .bytes(let body) = response.body else { return }
        let surroundings = call.api.surroundings
        let reply = StoredReply(
            key: key, fingerprint: fingerprint, status: response.status, body: String(decoding: body, as: UTF8.self),
            at: surroundings.now())
        do {
            try surroundings.operations.keep(reply)
        } catch {
            // What was asked for has happened, so the caller is told that; only a repetition would not know.
            surroundings.observer.requestFailed(handler: call.route.template, error: error)
        }
    }

    /// The key with its owner in front, so that two people's keys never meet.
    private static func key(_ sent: String, of call: Call) throws -> String {
        guard (1...keyLimit).contains(sent.utf8.count), sent.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Problem.badHeader("Idempotency-Key", "use 1 to \(keyLimit) printable ASCII characters, e.g. a UUID")
        }
        switch try call.authenticated() {
        case .person(let known): return "\(known.id):\(sent)"
        case .device(let id): return "device:\(id):\(sent)"
        }
    }

    private static func fingerprint(of call: Call) -> Digest {
        let request = call.request
        let target = ([request.method, request.path] + request.query.flatMap { [$0.name, $0.value] })
            .joined(separator: "\n")
        return call.api.surroundings.digest(Array(target.utf8) + [0] + request.body)
    }
}

extension StoredReply {
    /// The kept reply, marked as a repetition.
    fileprivate var response: WebResponse {
        WebResponse(
            status: status,
            headers: [
                (name: "Content-Type", value: "application/json"), (name: "Idempotency-Replayed", value: "true"),
            ], body: .bytes(Array(body.utf8)))
    }
}

import DeviceUpdates
import Fleet
import ModelTrust
import WireFormat

/// Publishers' key sets: followed one by one as the recovery key signed them, whatever the controller says.
extension UpdateWorker {
    /// The problem that heartbeats tell while a key set is refused.
    static let keySetProblem = "key_set_refused"
    /// Key sets followed in one go: a chain that never ends must not keep the loop from its work.
    static let followLimit = 1024

    /// Follows key sets that a heartbeat's answer told of; a controller that does not hand them out is asked again.
    func followOfferedKeySets() {
        let offered = status.snapshot.offeredKeySet
        guard offered > services.verifier.keySet else { return }
        do {
            let isRefused = try !follow { number throws(ControllerFault) in
                try services.controller.keySets(after: number)
            }
            // What is refused now is refused again: the next heartbeat's answer is the time to look at it once more.
            if isRefused { status.change { $0.offeredKeySet = 0 } }
        } catch {
            services.log.warning("key_sets_unavailable", ["error": "\(error)"])
        }
    }

    /// Follows every key set there is, before anything is installed: the newest keys say who may have signed it.
    func followKeySets() throws {
        let downloader = Downloader(
            services: services, tries: settings.fetchTries, isInterrupted: { [unowned self] in isInterrupted })
        let controller = services.controller
        _ = try follow { number in
            try downloader.patiently("key sets") {
                do throws(ControllerFault) {
                    return try controller.keySets(after: number)
                } catch .refused {
                    // An older controller has none; one that withholds them could as well say that there are none.
                    return []
                }
            }
        }
    }

    /// Follows what is fetched, until nothing newer comes; false when a set is refused.
    private func follow(_ fetch: (UInt64) throws -> [String]) throws -> Bool {
        var left = Self.followLimit
        while left > 0 {
            let known = services.verifier.keySet
            let sets = try fetch(known).prefix(left)
            for text in sets {
                guard try accepts(text) else { return false }
                left -= 1
            }
            guard services.verifier.keySet > known else { return true }
        }
        return true
    }

    /// Follows one key set; false when it is refused, which is told and keeps everything as it is.
    private func accepts(_ text: String) throws -> Bool {
        do {
            try services.verifier.follow(keySet: text)
        } catch let refusal as KeySetRefusal {
            services.log.error("key_set_refused", ["code": refusal.code, "why": "\(refusal)"])
            status.setProblem(named: Self.keySetProblem, present: true)
            return false
        }
        services.log.info("key_set_followed", ["number": "\(services.verifier.keySet)"])
        status.setProblem(named: Self.keySetProblem, present: false)
        // Publishers who revoked a key wait for this news.
        status.heartbeatBell.ring()
        return true
    }

    /// Fetches another signature for versions here whose signer was revoked.
    ///
    /// Their publisher may have signed the same content again. Until then they are not activated; what serves goes on
    /// serving.
    func renewSignatures(_ local: LocalVersions) {
        let keySet = services.verifier.keySet
        guard renewedFor < keySet else { return }
        var isDone = true
        for digest in Set([local.current, local.lastKnownGood].compactMap { $0 }).sorted(by: { $0.hex < $1.hex }) {
            do {
                try store.requireTrustedSigner(digest)
            } catch {
                isDone = renewSignature(digest) && isDone
            }
        }
        status.setProblem(.publisherRevoked, present: !isDone)
        if isDone { renewedFor = keySet }
    }

    /// Fetches a version's signature anew; false when there is none that counts, or nobody to ask.
    private func renewSignature(_ digest: Digest) -> Bool {
        do {
            let bundle = Array(try services.controller.version(digest).bundle.utf8)
            guard try services.verifier.authenticate(bundle: bundle).digest == digest else { return false }
            try store.replaceSignature(digest, with: bundle)
            services.log.info("signature_renewed", ["version": digest.short])
            return true
        } catch {
            services.log.warning("signature_not_renewed", ["version": digest.short, "error": "\(error)"])
            return false
        }
    }
}

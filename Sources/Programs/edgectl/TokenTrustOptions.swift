import ArgumentParser
import Cryptography
import EdgeOrchestrator
import Fleet
import ModelTrust
import Terminal
import WireFormat

/// Whom the devices of a token shall trust, and where they find the controller.
struct TokenTrustOptions: ParsableArguments {
    @Option(help: "File of a publisher's public key that its devices shall trust; may be repeated.")
    var publisherKey: [String] = []
    @Option(help: "File of the recovery's public key; without one its devices never trust other publisher keys.")
    var recoveryKey: String?
    @Option(help: "File of the key sets (`edgectl key rotate`): pins their newest keys and the recovery key.")
    var keySet: String?
    @Option(help: "File of the controller's assignment key, for not taking the controller's word for it.")
    var assignmentKey: String?
    @Option(help: "The address at which devices reach the controller; that of --server by default.")
    var controllerURL: String?

    func validate() throws {
        guard publisherKey.isEmpty != (keySet == nil) else {
            throw ValidationError("Give --key-set FILE, or at least one --publisher-key FILE.pub.")
        }
        guard recoveryKey == nil || keySet == nil else {
            throw ValidationError("--key-set names the recovery key already; leave --recovery-key out.")
        }
    }

    /// What the token pins.
    func pins(_ server: ServerOptions, _ controller: Orchestrator) throws -> TrustPins {
        let chain = try keySet.map { try KeySetFile(reading: $0) }
        let publishers =
            try chain?.trust.keys.map(\.fingerprint) ?? publisherKey.map { try KeyFile.publicKey($0).fingerprint }
        let recovery = try chain?.trust.recoveryKey ?? recoveryKey.map { try KeyFile.publicKey($0).fingerprint }
        let assignment =
            try assignmentKey.map { try KeyFile.publicKey($0).fingerprint }
            ?? KeyFile.fingerprint(of: controller.assignmentKey())
        return TrustPins(
            publisherKeys: publishers, recoveryKey: recovery, keySet: chain?.trust.number ?? 0,
            assignmentKey: assignment, certificateAuthority: try authority(server),
            controllerURL: controllerURL ?? controller.server)
    }

    /// Prints the token whole, once.
    func print(_ made: EnrolmentTokenResource, pins: TrustPins, _ output: OutputOptions) throws {
        let token = try full(made, pins: pins)
        try output.print(FullToken(token: token, described: made, pins: pins)) {
            tell(made, pins: pins, isTold: assignmentKey == nil)
            return [StyledText(token)]
        }
    }

    /// The one authority in the file by which this program verifies the controller; nil without such a file.
    private func authority(_ server: ServerOptions) throws -> Digest? {
        guard let file = try server.resolved().caFile else { return nil }
        let text = try LocalFile.text(file, limitBytes: 1 << 20)
        let found: [Certificate]
        do {
            found = try Certificate.all(inPEM: text)
        } catch {
            throw CommandFailure.invalid("\(file) is no certificate (PEM): \(error)")
        }
        guard found.count == 1 else {
            Console.note("no authority is pinned: \(file) holds \(found.count) certificates, not one")
            return nil
        }
        return found[0].keyFingerprint
    }

    private func full(_ made: EnrolmentTokenResource, pins: TrustPins) throws -> String {
        guard let secret = made.secret.flatMap(Base64.url.decode),
            let token = EnrolmentToken(secret: secret, pins: pins)
        else { throw CommandFailure.failed("the controller answered without the token's random part; try again") }
        return token.serialized()
    }

    private func tell(_ made: EnrolmentTokenResource, pins: TrustPins, isTold: Bool) {
        Console.note(
            "token \(made.id): \(made.usesLeft) use(s) until \(made.expiresAt)"
                + (made.labels.isEmpty ? "" : ", labels \(made.labels)"))
        for key in pins.publisherKeys { Console.note("trusts publisher       \(key)") }
        if let recovery = pins.recoveryKey {
            Console.note("trusts recovery key    \(recovery) (key set \(pins.keySet))")
        } else {
            Console.note("no recovery key: its devices must enrol again to trust other publisher keys")
        }
        Console.note("trusts assignment key  \(pins.assignmentKey)" + (isTold ? " (as the controller told it)" : ""))
        if let authority = pins.certificateAuthority { Console.note("trusts authority       \(authority)") }
        Console.note("controller             \(pins.controllerURL ?? "-")")
    }
}

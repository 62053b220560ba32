import ArgumentParser
import Cryptography
import EdgeOrchestrator
import Fleet
import ModelTrust
import Terminal
import WireFormat

/// `edgectl token`.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Makes tokens with which devices join the fleet.",
        subcommands: [TokenCreate.self, TokenList.self])
}

/// `edgectl token create`.
struct TokenCreate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes an enrolment token and prints it once.",
        discussion: """
            The token names the keys its devices shall trust: the publishers' from local files, so that a controller
            cannot name its own, and the assignment key, from a file or as the controller tells it (compare its
            fingerprint). Where a controller with a private certificate authority is reached by --ca-file, the token
            names that authority too, so that its devices need no file.
            """)

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "How many devices may use it.") var uses = 1
    @Option(help: "How long it may be used, e.g. 1h; at most 72h.") var lifetime: Span?
    @Option(name: .customLong("label"), help: "A label KEY=VALUE that its devices get; may be repeated.")
    var labels: [String] = []
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
        guard (1...100_000).contains(uses) else { throw ValidationError("--uses must be 1 to 100000.") }
    }

    func run() throws {
        let chain = try keySet.map { try KeySetFile(reading: $0) }
        let publishers =
            try chain?.trust.keys.map(\.fingerprint) ?? publisherKey.map { try KeyFile.publicKey($0).fingerprint }
        let recovery = try chain?.trust.recoveryKey ?? recoveryKey.map { try KeyFile.publicKey($0).fingerprint }
        let controller = try server.connect()
        let assignment =
            try assignmentKey.map { try KeyFile.publicKey($0).fingerprint }
            ?? KeyFile.fingerprint(of: controller.assignmentKey())
        let made = try controller.createToken(
            EnrolmentTokenRequest(
                lifetimeSeconds: lifetime?.seconds, uses: uses,
                labels: try Labels(try KeyValues.parsed(labels, option: "--label"))))
        let pins = TrustPins(
            publisherKeys: publishers, recoveryKey: recovery, keySet: chain?.trust.number ?? 0,
            assignmentKey: assignment, certificateAuthority: try authority(),
            controllerURL: controllerURL ?? controller.server)
        let token = try full(made, pins: pins)
        try output.print(FullToken(token: token, described: made, pins: pins)) {
            tell(made, pins: pins, isTold: assignmentKey == nil)
            return [StyledText(token)]
        }
    }

    /// The one authority in the file by which this program verifies the controller; nil without such a file.
    private func authority() throws -> Digest? {
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

/// A token whole, as programs read it.
private struct FullToken: Encodable {
    let token: String
    let id: String
    let expiresAt: Timestamp
    let usesLeft: Int
    let labels: Labels
    let publisherKeys: [Digest]
    let recoveryKey: Digest?
    let keySet: UInt64
    let assignmentKey: Digest

    init(token: String, described: EnrolmentTokenResource, pins: TrustPins) {
        self.token = token
        id = described.id
        expiresAt = described.expiresAt
        usesLeft = described.usesLeft
        labels = described.labels
        publisherKeys = pins.publisherKeys
        recoveryKey = pins.recoveryKey
        keySet = pins.keySet
        assignmentKey = pins.assignmentKey
    }
}

/// `edgectl token list`.
struct TokenList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the tokens that still work, without their secrets.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let tokens = try server.connect().tokens()
        let now = Console.now
        var table = Table([.init("ID"), .init("USES LEFT", .right), .init("EXPIRES"), .init("LABELS")])
        for token in tokens {
            table.add([
                StyledText(token.id), StyledText("\(token.usesLeft)"),
                Rendering.time(token.expiresAt, wide: output.isWide, now: now), StyledText(token.labels.description),
            ])
        }
        try output.printTable(tokens, table, ifEmpty: "no tokens; `edgectl token create` makes one")
    }
}

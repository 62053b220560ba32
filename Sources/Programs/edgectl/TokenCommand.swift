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
    @Option(
        help: "How its devices are let in: automatic, manual (a person approves each) or listed.",
        transform: Self.approval)
    var approval = ApprovalMode.automatic
    @Option(name: .customLong("device"), help: "With listed: a device that may use it; may be repeated.")
    var devices: [String] = []
    @Option(help: "With listed: a key (SHA-256 of its SubjectPublicKeyInfo) that may use it; may be repeated.")
    var deviceKey: [String] = []
    @OptionGroup var trust: TokenTrustOptions

    func validate() throws {
        guard (1...100_000).contains(uses) else { throw ValidationError("--uses must be 1 to 100000.") }
    }

    func run() throws {
        let controller = try server.connect()
        let pins = try trust.pins(server, controller)
        let made = try controller.createToken(
            EnrolmentTokenRequest(
                lifetimeSeconds: lifetime?.seconds, uses: uses,
                labels: try Labels(try KeyValues.parsed(labels, option: "--label")),
                approval: approval == .automatic ? nil : approval,
                devices: devices.isEmpty ? nil : try devices.map { try DeviceID($0) },
                deviceKeys: deviceKey.isEmpty ? nil : try keys()))
        try trust.print(made, pins: pins, output)
    }

    private static func approval(_ text: String) throws -> ApprovalMode {
        guard let mode = ApprovalMode(rawValue: text) else {
            throw ValidationError(
                "\(text) is no way to let devices in; use "
                    + ApprovalMode.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return mode
    }

    private func keys() throws -> [Digest] {
        try deviceKey.map { text in
            guard let key = Digest(hex: text) else {
                throw CommandFailure.invalid("--device-key \(text) is no SHA-256 in 64 hexadecimal digits")
            }
            return key
        }
    }
}

/// A token whole, as programs read it.
struct FullToken: Encodable {
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

import ArgumentParser
import EdgeOrchestrator
import Fleet
import Terminal
import WireFormat

/// What the commands that decide about one device share.
struct DeviceDecisionOptions: ParsableArguments {
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Why: told to operators and to the device.") var reason: String
    @Argument(help: "The device.", transform: { try DeviceID($0) }) var device: DeviceID

    func decide(_ verb: DeviceDecision.Verb, _ sentence: String) throws {
        let changed = try server.connect().decide(verb, on: device, reason: reason)
        try output.print(changed) { [StyledText("device \(changed.id) \(sentence)")] }
    }
}

/// `edgectl device approve`.
struct DeviceApprove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Lets a waiting device in, or one out of quarantine.")

    @OptionGroup var options: DeviceDecisionOptions

    func run() throws { try options.decide(.approve, "is approved") }
}

/// `edgectl device reject`.
struct DeviceReject: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reject", abstract: "Does not let a waiting device in.")

    @OptionGroup var options: DeviceDecisionOptions

    func run() throws { try options.decide(.reject, "is rejected") }
}

/// `edgectl device revoke`.
struct DeviceRevoke: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Ends what a device's credentials open, at once; `replace` gives it new ones.")

    @OptionGroup var options: DeviceDecisionOptions

    func run() throws { try options.decide(.revoke, "is revoked: its credentials open nothing from now on") }
}

/// `edgectl device retry`.
struct DeviceRetry: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Has a device try once more what its deployments want, after it failed there.",
        discussion: """
            A version that failed on a device is shut out there until somebody orders it on purpose: by this, by \
            `edgectl rollout retry`, or by deploying it anew. Not while a rollout compares devices.
            """)

    @OptionGroup var options: DeviceDecisionOptions

    func run() throws { try options.decide(.retry, "tries again") }
}

/// `edgectl device replace`.
struct DeviceReplace: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replace",
        abstract: "Revokes a broken device's credentials and prints the token with which a new board takes its place.",
        discussion: """
            The new board keeps the id and the labels. What the old one counted, its part in rollouts and its versions \
            end with it.
            """)

    @OptionGroup var options: DeviceDecisionOptions
    @OptionGroup var trust: TokenTrustOptions
    @Option(help: "How long the token may be used, e.g. 1h; at most 72h.") var lifetime: Span?

    func run() throws {
        let controller = try options.server.connect()
        let pins = try trust.pins(options.server, controller)
        let made = try controller.replace(
            options.device, DeviceReplacement(reason: options.reason, lifetimeSeconds: lifetime?.seconds))
        try trust.print(made, pins: pins, options.output)
    }
}

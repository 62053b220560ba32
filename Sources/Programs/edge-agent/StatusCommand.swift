import ArgumentParser
import ChildProcesses
import DeviceAgent
import DeviceFiles
import DeviceUpdates
import Fleet
import FoundationEssentials

/// `edge-agent status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Says what a state directory holds; the agent may be running or not.")

    @Option(help: "The agent's state directory.") var state: String
    @Option(name: .shortAndLong, help: "text or json.") var output = OutputForm.text

    func run() throws {
        let files = StateDirectory(inspecting: state)
        guard let membership = try MembershipStore(files: files).load() else {
            let note = try StandingStore(files: files).load().map { ": \($0.kind), \($0.reason)" }
            OwnProcess.say("edge-agent: \(state) holds no enrolled device\(note ?? "")")
            throw ExitCode(1)
        }
        let slots = try AgentState.models(files: files).map { try AgentState(files: files, model: $0) }
        let told = StatusTold(
            device: membership.identity.device.rawValue, controller: membership.identity.controllerURL,
            running: StateDirectory.isInUse(state), freeBytes: try files.freeBytes(),
            standing: try StandingStore(files: files).load(), models: slots.map(SlotTold.init))
        switch output {
        case .text: told.lines.forEach { print($0) }
        case .json: print(try JSONText.of(told))
        }
    }
}

/// How a command answers.
enum OutputForm: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// JSON for people and machines.
enum JSONText {
    static func of(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

/// What the command tells of a device.
private struct StatusTold: Encodable {
    var device: String
    var controller: String
    var running: Bool
    var freeBytes: UInt64
    var standing: StandingNote?
    var models: [SlotTold]

    var lines: [String] {
        [
            "device       \(device)", "controller   \(controller)",
            "agent        \(running ? "running" : "not running")",
            "free         \(freeBytes >> 20) MiB",
        ] + (standing.map { ["standing     \($0.kind) since \($0.toldAt): \($0.reason)"] } ?? [])
            + models.flatMap(\.lines)
    }
}

/// What the command tells of a model slot.
private struct SlotTold: Encodable {
    struct Version: Encodable {
        var digest: String
        var name: String?
    }

    struct Update: Encodable {
        var assignment: UInt64
        var version: String
        var transitions: UInt16
        var starts: UInt16
    }

    var model: String
    var current: Version?
    var lkg: Version?
    var sealed: Int
    var step: String
    var attempt: Update?
    var assignment: UInt64
    var reports: Int
    var quarantine: [String]
    var lastContact: String?
    var releaseFloor: UInt64
    var returnOrdered: Bool

    init(_ slot: AgentState) {
        func version(_ digest: Digest?) -> Version? {
            digest.map { Version(digest: $0.hex, name: slot.names[$0]) }
        }
        model = slot.model.rawValue
        current = version(slot.local.current)
        lkg = version(slot.local.lastKnownGood)
        sealed = slot.local.sealed.count
        if case .safe = slot.journal.state {
            step = "stranded"
        } else {
            step = slot.journal.state.step?.rawValue ?? "idle"
        }
        attempt = slot.journal.state.attempt.map {
            Update(assignment: $0.assignment, version: $0.to.hex, transitions: $0.transitions, starts: $0.boots)
        }
        assignment = slot.journal.accepted
        reports = slot.waitingReports
        quarantine = slot.quarantined
        lastContact = slot.lastContact?.description
        releaseFloor = slot.releaseFloor
        returnOrdered = slot.isReturnWaiting
    }

    var lines: [String] {
        func text(_ version: Version?) -> String {
            guard let version else { return "none" }
            return version.digest + (version.name.map { " (\($0))" } ?? "")
        }
        var lines = [
            "model        \(model)", "  current    \(text(current))", "  lkg        \(text(lkg))",
            "  sealed     \(sealed) version(s)", "  update     \(step)", "  assignment \(assignment)",
            "  reports    \(reports) waiting", "  contact    \(lastContact ?? "never")", "  floor      \(releaseFloor)",
        ]
        if let attempt {
            lines.append(
                "  attempt    version \(attempt.version), assignment \(attempt.assignment), \(attempt.transitions) "
                    + "transition(s), \(attempt.starts) start(s) of the agent on it")
        }
        if returnOrdered { lines.append("  return     ordered at the device, not done yet") }
        return lines + quarantine.map { "  quarantine \($0)" }
    }
}

import ArgumentParser
import DeviceAgent
import DeviceFiles
import DeviceUpdates
import Fleet

/// `edge-agent status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Says what a state directory holds; the agent may be running or not.")

    @Option(help: "The agent's state directory.") var state: String

    func run() throws {
        let files = StateDirectory(inspecting: state)
        guard let membership = try MembershipStore(files: files).load() else {
            print("not enrolled")
            throw ExitCode(1)
        }
        print("device       \(membership.identity.device)")
        print("controller   \(membership.identity.controllerURL)")
        for model in try AgentState.models(files: files) {
            let slot = try AgentState(files: files, model: model)
            print("model        \(model)")
            print("  current    \(slot.local.current?.hex ?? "none")")
            print("  lkg        \(slot.local.lastKnownGood?.hex ?? "none")")
            print("  sealed     \(slot.local.sealed.count) version(s)")
            print("  update     \(slot.journal.state.step?.rawValue ?? "idle")")
            print("  assignment \(slot.journal.accepted)")
            print("  reports    \(slot.waitingReports) waiting")
            for digest in slot.quarantined { print("  quarantine \(digest)") }
        }
    }
}

import ArgumentParser
import ChildProcesses
import DeviceAgent
import DeviceFiles
import DeviceUpdates
import Fleet
import FoundationEssentials

/// `edge-agent rollback`.
struct RollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Takes the device back to its last known good, without its controller.",
        discussion: """
            The running agent returns at once, an agent that does not run at its next start. It reports the return, \
            and does not take the version it left again before it is ordered on purpose. Ends with 0 when the \
            device is on its last known good, or will be at the next start; with 1 where there is nothing to return \
            to, or it did not get there.
            """)

    @Option(help: "The agent's state directory.") var state: String
    @Option(help: "The model slot; needed where there are several.") var model: String?
    @Option(help: "Why; the controller is told.") var reason = ""
    @Option(help: "How long to wait for the running agent, seconds.") var waitSeconds: Double = 60

    func run() throws {
        let files = StateDirectory(inspecting: state)
        let slot = try slot(in: files)
        guard let current = slot.local.current, let target = slot.local.lastKnownGood, current != target else {
            OwnProcess.say(
                "edge-agent: there is nothing to return to: "
                    + (slot.local.current == nil
                        ? "no version serves" : "the version that serves is the last known good, or there is none")
                    + "; order another version with `edgectl deploy`")
            throw ExitCode(1)
        }
        let isRunning = StateDirectory.isInUse(state)
        try ReturnRequest(
            reason: reason, at: Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        ).place(in: files)
        guard isRunning else {
            print("no agent runs; its next start returns from \(current.short) to \(target.short)")
            return
        }
        print("returning from \(current.short) to \(target.short)")
        let end = Date(timeIntervalSinceNow: waitSeconds)
        while Date() < end {
            Doorbell().wait(seconds: 0.2)
            let now = try AgentState(files: files, model: slot.model)
            if now.local.current == target, now.journal.state.attempt == nil, !now.isReturnWaiting {
                print("\(target.short) serves; \(current.short) is not taken again before it is ordered on purpose")
                return
            }
        }
        OwnProcess.say(
            "edge-agent: it is not done after \(Int(waitSeconds)) s; see `edge-agent status` and the agent's log")
        throw ExitCode(1)
    }

    private func slot(in files: StateDirectory) throws -> AgentState {
        let models = try AgentState.models(files: files)
        let wanted = models.filter { model == nil || $0.rawValue == model }
        guard wanted.count == 1, let only = wanted.first else {
            OwnProcess.say(
                "edge-agent: \(state) has the model slots \(models.map(\.rawValue).joined(separator: ", ")); say "
                    + "which with --model")
            throw ExitCode(2)
        }
        return try AgentState(files: files, model: only)
    }
}

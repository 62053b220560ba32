import DeviceUpdates
import Fleet

/// The agent of one device: what its loops share, and the loops.
///
/// Every loop is a function that blocks its thread until ``stop()``; the program gives each a thread of its own.
public final class Agent: Sendable {
    let settings: AgentSettings
    let services: AgentServices
    let layout: StateLayout
    let status = AgentStatus()
    let supervisor = RuntimeSupervisor()
    let counters: CounterStore
    let outbox: Outbox
    let intake: AssignmentIntake
    /// When the agent started; see ``CounterStore/boot``.
    var boot: Int64 { counters.boot }

    /// Opens the agent's state; the directories are made where they are missing.
    ///
    /// - Throws: ``StorageFault`` when the state directory cannot be used.
    public init(settings: AgentSettings, services: AgentServices) throws(StorageFault) {
        self.settings = settings
        self.services = services
        layout = StateLayout(model: settings.model)
        for directory in layout.directories { try services.files.makeDirectories(directory) }
        counters = try CounterStore(files: services.files, log: services.log, now: services.clock.now)
        outbox = try Outbox(
            files: services.files, reserved: try JournalStore(files: services.files).last.reportSequence)
        intake = AssignmentIntake(settings: settings, services: services, outbox: outbox, status: status)
    }

    /// Keeps the runtime running; this thread must live until the others have ended, and ends the runtime itself.
    public func superviseRuntime() {
        RuntimeKeeper(
            supervisor: supervisor, settings: settings.runtime, services: services, counters: counters,
            status: status, layout: layout
        ).run()
    }

    /// Carries out assignments.
    public func updateLoop() {
        do {
            try UpdateWorker(self).run()
        } catch {
            services.log.error("update_loop_not_started", ["error": "\(error)"])
            status.setProblem(.storageFailed, present: true)
        }
    }

    /// Sends heartbeats.
    public func heartbeatLoop() { HeartbeatLoop(self).run() }

    /// Waits for assignments.
    public func assignmentLoop() { AssignmentLoop(self).run() }

    /// Sends reports.
    public func reportLoop() { ReportLoop(self).run() }

    /// Tells every loop to end; the runtime ends after a last scrape.
    public func stop() {
        status.stop()
        supervisor.stop()
    }
}

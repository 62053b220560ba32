import DeviceUpdates
import Fleet
import WireFormat

/// Sends heartbeats: at the told interval, spread by chance, and at once when something changed.
final class HeartbeatLoop {
    /// The interval before the controller told one, seconds.
    static let firstIntervalSeconds = 5.0
    /// The interval is spread by this part on both sides.
    static let jitter = 0.1
    /// No interval is shorter or longer, whatever the controller says, seconds.
    static let intervalBounds = 0.2...3600.0
    /// The longest pause after failures, seconds.
    static let backoffLimitSeconds = 60.0

    private let services: AgentServices
    private let settings: AgentSettings
    private let status: AgentStatus
    private let supervisor: RuntimeSupervisor
    private let counters: CounterStore
    private let boot: Int64
    private var sequence: UInt64 = 0
    /// The number of the newest reply.
    private var heard: UInt64 = 0
    /// What was last noted about the device's standing, empty for good standing; nil before this process has heard.
    private var notedStanding: String?
    private var intervalSeconds = HeartbeatLoop.firstIntervalSeconds
    private var failures = 0
    private var news = FailureNews()
    private var ring = HistoryRing()

    init(_ agent: Agent) {
        services = agent.services
        settings = agent.settings
        status = agent.status
        supervisor = agent.supervisor
        counters = agent.counters
        boot = agent.boot
    }

    /// Works until the agent stops; what is counted after the last heartbeat is sent by the next start.
    func run() {
        while !status.isStopping {
            beat()
            status.announcementBell.ring()
            status.heartbeatBell.wait(seconds: pauseSeconds())
        }
    }

    /// One heartbeat: scrape, send, take in the reply.
    ///
    /// - Parameter scrapeSeconds: how long the runtime is waited for at most.
    func beat(scrapeSeconds: Double = 3) {
        supervisor.scrape(timeoutSeconds: scrapeSeconds)
        ring.note(counters.snapshot.entries.mapValues(\.totals), at: services.clock.now)
        let heartbeat = compose()
        do {
            let reply = try services.controller.send(heartbeat)
            takeIn(reply)
        } catch {
            failures += 1
            if case ControllerFault.refused(status: 403, let why) = error { noteStanding(kind: "refused", reason: why) }
            // The first failure of a kind is news, the following ones are said now and then.
            if news.isNews(error) || failures.isMultiple(of: 10) {
                services.log.warning("heartbeat_failed", ["failures": "\(failures)", "error": "\(error)"])
            }
        }
    }

    private func compose() -> Heartbeat {
        sequence += 1
        let (running, facts, number) = (supervisor.snapshot, status.snapshot, sequence)
        let (series, crashes, failedStarts) = counters.change { book in
            (book.report(sequence: number), book.crashes, book.failedStarts)
        }
        let slot = SlotStatus(
            model: settings.model, digest: running.serving, step: facts.step?.rawValue, healthy: running.isHealthy,
            crashes: crashes, failedStarts: failedStarts)
        return Heartbeat(
            boot: boot, sequence: sequence, sentAt: services.clock.now.milliseconds, assignment: facts.accepted,
            slots: [slot], series: series, updatingUntil: facts.updatingUntil?.milliseconds,
            problems: (facts.problems.sorted() + (facts.refusedMetrics > 0 ? ["metrics_refused"] : [])),
            keySet: services.verifier.keySet, heard: heard)
    }

    private func takeIn(_ reply: HeartbeatReply) {
        if failures > 0 { services.log.info("heartbeat_restored", ["failures": "\(failures)"]) }
        failures = 0
        news.succeeded()
        heard = reply.number ?? heard
        if let standing = reply.standing {
            noteStanding(kind: standing.kind.rawValue, reason: standing.reason)
        } else {
            noteStanding(kind: "", reason: "")
        }
        if reply.intervalSeconds.isFinite {
            intervalSeconds = min(
                max(reply.intervalSeconds, Self.intervalBounds.lowerBound), Self.intervalBounds.upperBound)
        }
        counters.change { $0.acknowledged(through: reply.committedThrough, wantsBase: reply.wantsBase) }
        let now = services.clock.now
        status.change { $0.lastContact = now }
        if reply.assignment > status.snapshot.accepted { status.assignmentBell.ring() }
        if let offered = reply.keySet, offered > services.verifier.keySet {
            status.change { $0.offeredKeySet = offered }
            status.updateBell.ring()
        }
        if let since = reply.historySince { tellHistory(since: Timestamp(milliseconds: since)) }
    }

    /// Keeps what the controller says about the device, for `edge-agent status`; an empty kind is good standing.
    private func noteStanding(kind: String, reason: String) {
        guard notedStanding != kind + reason else { return }
        do {
            let store = StandingStore(files: services.files)
            if kind.isEmpty {
                try store.clear()
            } else {
                try store.told(kind: kind, reason: reason, at: services.clock.now)
                services.log.warning("standing_told", ["kind": kind, "reason": reason])
            }
            notedStanding = kind + reason
        } catch {
            services.log.warning("standing_not_noted", ["error": "\(error)"])
        }
    }

    /// Tells when the counts arose that the controller had to wait for; what cannot be told is left, the counts are
    /// known.
    private func tellHistory(since moment: Timestamp) {
        do {
            for upload in ring.uploads(since: moment) { try services.controller.send(upload) }
        } catch {
            services.log.warning("history_not_sent", ["error": "\(error)"])
        }
    }

    private func pauseSeconds() -> Double {
        guard failures > 0 else {
            return intervalSeconds * (1 - Self.jitter + 2 * Self.jitter * services.chance.next())
        }
        // Not shorter than half the interval, so that a controller that comes back is not met by a storm.
        let bound = min(max(Self.backoffLimitSeconds, intervalSeconds), intervalSeconds * Double(1 << min(failures, 5)))
        return intervalSeconds / 2 + (bound - intervalSeconds / 2) * services.chance.next()
    }
}

import DeviceUpdates
import Fleet
import PrometheusExposition
import Synchronization

/// The supervisor's thread: the only one that touches the runtime's process.
final class RuntimeKeeper {
    /// A running process.
    struct Child {
        var process: Int32
        var start: Int64
        /// When it must be healthy, by the steady clock, seconds.
        var deadline: Double
        var digest: Digest
        /// Every version it has served, for its counters.
        var served: Set<Digest>
        var isHealthy = false
        var failedChecks = 0
        var nextCheck: Double = 0
        /// Counted before the newest reload, where the runtime does not name versions.
        var baseline = RuntimeTotals()
        /// Whether it serves nothing before it is told what to load.
        var needsLoad = false
        /// What is measured beside its own counters.
        var measured = MeasuredProcess()
    }

    static let tickSeconds = 0.05
    static let healthIntervalSeconds = 1.0
    static let healthTimeoutSeconds = 1.0
    /// Failed checks in a row that make a serving runtime unhealthy.
    static let failedCheckLimit = 3

    let supervisor: RuntimeSupervisor
    let settings: RuntimeSettings
    let services: AgentServices
    let counters: CounterStore
    let status: AgentStatus
    let layout: StateLayout
    var child: Child?
    private var carriedOut: UInt64 = 0
    /// The order whose outcome is awaited; nil when it is known.
    private var pending: UInt64?
    private var restartAt: Double = 0
    private var backoff = Backoff(firstSeconds: 0.1, limitSeconds: 30)
    private var crashes = CrashWindow()

    init(
        supervisor: RuntimeSupervisor, settings: RuntimeSettings, services: AgentServices, counters: CounterStore,
        status: AgentStatus, layout: StateLayout
    ) {
        self.supervisor = supervisor
        self.settings = settings
        self.services = services
        self.counters = counters
        self.status = status
        self.layout = layout
    }

    /// Works until the supervisor is stopped; then ends the runtime.
    func run() {
        let leftovers = services.launcher.endLeftovers()
        if !leftovers.isEmpty {
            services.log.warning("leftovers_ended", ["processes": leftovers.map(String.init).joined(separator: ", ")])
        }
        while !supervisor.snapshot.isStopping {
            supervisor.bell.wait(seconds: Self.tickSeconds)
            step()
        }
        stopPlanned()
        supervisor.shared.withLock { shared in
            shared.hasStopped = true
            shared.isHealthy = false
        }
        supervisor.outcomeBell.ring()
    }

    /// One round: what ended, what was ordered, what is to be scraped, whether it is healthy.
    func step() {
        noticeEnd()
        let shared = supervisor.snapshot
        if shared.generation > carriedOut { carryOut(shared) }
        if shared.doneScrape < shared.wantedScrape {
            scrape()
            counters.save(isDurable: false)
            supervisor.shared.withLock { $0.doneScrape = shared.wantedScrape }
            supervisor.scrapeBell.ring()
        }
        if child == nil, let digest = supervisor.snapshot.ordered, services.clock.uptimeSeconds >= restartAt {
            start(digest)
        }
        checkHealth()
        publish()
    }

    // MARK: Orders

    private func carryOut(_ order: RuntimeSupervisor.Shared) {
        carriedOut = order.generation
        pending = order.generation
        crashes.reset()
        backoff.succeeded()
        restartAt = 0
        guard let digest = order.ordered else {
            stopPlanned()
            settle(nil)
            return
        }
        if var running = child, running.isHealthy, running.digest == digest, !order.isAfresh {
            running.nextCheck = 0
            running.isHealthy = false
            child = running
            return
        }
        if reload(digest) { return }
        stopPlanned()
        start(digest)
    }

    /// Where the runtime does not name versions, a reload begins a new series of the same process.
    func beginSeries(_ running: inout Child) {
        let series = RuntimeSeries(model: layout.model, digest: running.digest, start: running.start)
        if let entry = counters.snapshot.entries[series] {
            running.baseline = running.baseline.adding(entry.totals)
        }
        let (old, now) = (running.start, services.clock.now)
        running.start = counters.change { book in
            book.ended(start: old, isCounted: true)
            return book.nextStart(now: now)
        }
        running.served = []
        running.measured.seriesBegan()
    }

    private func settle(_ fault: FailureReason?) {
        guard let generation = pending else { return }
        pending = nil
        publish()
        supervisor.shared.withLock { $0.outcome = (generation, fault) }
        supervisor.outcomeBell.ring()
    }

    // MARK: Process

    private func start(_ digest: Digest) {
        let now = services.clock.now
        let start = counters.change { $0.nextStart(now: now) }
        openSeries(digest, start: start, isDurable: true)
        do {
            let process = try services.launcher.launch(
                settings.filled(modelDirectory: services.files.absolute(layout.current)))
            child = Child(
                process: process, start: start, deadline: services.clock.uptimeSeconds + settings.startSeconds,
                digest: digest, served: [digest])
            if case .repository = settings.reload { child?.needsLoad = true }
            services.log.info("runtime_started", ["process": "\(process)", "version": digest.short])
        } catch {
            services.log.error("runtime_not_started", ["error": "\(error)"])
            counters.change { $0.ended(start: start, isCounted: true) }
            failedStart()
        }
    }

    /// Knows a series before its first request, so that an end before its first scrape is a named gap and no silent
    /// loss; durably where its start is new, because a start that was given out is never given out again.
    func openSeries(_ digest: Digest, start: Int64, isDurable: Bool) {
        let series = RuntimeSeries(model: layout.model, digest: digest, start: start)
        counters.change { $0.observe(series, RuntimeTotals()) }
        counters.save(isDurable: isDurable)
    }

    private func stopPlanned() {
        guard let running = child else { return }
        scrape()
        unload(running)
        services.launcher.terminate(running.process, force: false)
        let deadline = services.clock.uptimeSeconds + settings.stopSeconds
        while services.launcher.end(of: running.process) == nil {
            if services.clock.uptimeSeconds >= deadline {
                services.launcher.terminate(running.process, force: true)
            }
            services.clock.pause(seconds: 0.01)
        }
        child = nil
        // It may have answered on between the scrape and its end, as runtimes do that let their connections finish.
        counters.change { $0.ended(start: running.start, isCounted: false) }
        counters.save(isDurable: true)
    }

    private func noticeEnd() {
        guard let running = child, let end = services.launcher.end(of: running.process) else { return }
        // What is left of its group must not keep the port.
        services.launcher.terminate(running.process, force: true)
        child = nil
        counters.change { book in
            book.crashes += 1
            book.ended(start: running.start, isCounted: false)
        }
        counters.save(isDurable: true)
        services.log.warning("runtime_ended", ["end": "\(end)", "version": running.digest.short])
        restartAt = services.clock.uptimeSeconds + 0.05 + backoff.failed(chance: services.chance.next())
        status.heartbeatBell.ring()
        guard crashes.crashed(at: services.clock.uptimeSeconds) else { return }
        if pending != nil {
            settle(.runtimeCrashed)
        } else {
            supervisor.shared.withLock { $0.isUnstable = true }
            status.updateBell.ring()
        }
    }

    private func failedStart() {
        counters.change { $0.failedStarts += 1 }
        counters.save(isDurable: true)
        restartAt = services.clock.uptimeSeconds + 0.05 + backoff.failed(chance: services.chance.next())
        settle(.runtimeUnhealthy)
    }

    // MARK: Health

    private func checkHealth() {
        let now = services.clock.uptimeSeconds
        guard var running = child, now >= running.nextCheck else { return }
        let isFine = isAnswering(&running)
        if isFine {
            let isNews = !running.isHealthy
            running.isHealthy = true
            running.failedChecks = 0
            running.nextCheck = services.clock.uptimeSeconds + Self.healthIntervalSeconds
            child = running
            if isNews { settle(nil) }
            return
        }
        running.failedChecks += 1
        if running.isHealthy, running.failedChecks >= Self.failedCheckLimit {
            running.isHealthy = false
            running.deadline = now + settings.startSeconds
            services.log.warning("runtime_unhealthy", ["version": running.digest.short])
            status.heartbeatBell.ring()
        }
        running.nextCheck = now + (running.isHealthy ? Self.healthIntervalSeconds : Self.tickSeconds)
        child = running
        if !running.isHealthy, services.clock.uptimeSeconds >= running.deadline {
            services.log.warning("runtime_start_timed_out", ["version": running.digest.short])
            stopPlanned()
            failedStart()
        }
    }

    private func publish() {
        let running = child
        let model = layout.model
        supervisor.shared.withLock { shared in
            shared.serving = running?.digest ?? shared.ordered
            shared.isHealthy = running?.isHealthy ?? false
            shared.process = running?.process
            shared.currentSeries = running.map { RuntimeSeries(model: model, digest: $0.digest, start: $0.start) }
        }
    }
}

import DeviceUpdates
import Fleet
import PrometheusExposition
import Synchronization

/// Keeps the model runtime serving what it should: starts, reloads, restarts with backoff, watches health, scrapes.
///
/// One thread owns the process (``run()``), because a child dies with the thread that started it, and so that no scrape
/// meets a runtime that is being changed. Other threads place orders and wait for their outcome.
public final class RuntimeSupervisor: RuntimeSupervising {
    /// What other threads see and ask for.
    struct Shared {
        /// Counts orders; the newest wins.
        var generation: UInt64 = 0
        /// The ordered version; nil for none.
        var ordered: Digest?
        /// Whether what serves the ordered version already is to be reloaded or started once more.
        var isAfresh = false
        /// The newest order that was carried out, and what came of it: nil is success.
        var outcome: (generation: UInt64, fault: FailureReason?) = (0, nil)
        /// What serves or is being started.
        var serving: Digest?
        var isHealthy = false
        /// Crashed too often since the last order.
        var isUnstable = false
        var currentSeries: RuntimeSeries?
        var process: Int32?
        var wantedScrape: UInt64 = 0
        var doneScrape: UInt64 = 0
        var isStopping = false
        var hasStopped = false
    }

    let shared = Mutex(Shared())
    let bell = Doorbell()
    let outcomeBell = Doorbell()
    let scrapeBell = Doorbell()

    /// Makes a supervisor that serves nothing yet.
    public init() {}

    var snapshot: Shared { shared.withLock { $0 } }

    /// Orders a version, nil for none, and waits until it serves healthily.
    ///
    /// - Returns: nil on success, else why it does not serve.
    func serve(_ digest: Digest?) -> FailureReason? { outcome(of: order(digest)) }

    func serveAfresh(_ digest: Digest) -> FailureReason? { outcome(of: order(digest, isAfresh: true)) }

    private func outcome(of mine: UInt64) -> FailureReason? {
        while true {
            let now = snapshot
            if now.outcome.generation >= mine { return now.outcome.generation == mine ? now.outcome.fault : nil }
            if now.hasStopped { return .runtimeUnhealthy }
            outcomeBell.wait(seconds: 0.5)
        }
    }

    var condition: RuntimeCondition {
        let now = snapshot
        return RuntimeCondition(
            serving: now.serving, isHealthy: now.isHealthy, process: now.process, series: now.currentSeries)
    }

    func request(_ digest: Digest?) { _ = order(digest) }

    func order(_ digest: Digest?, isAfresh: Bool = false) -> UInt64 {
        let generation = shared.withLock { shared in
            shared.generation += 1
            shared.ordered = digest
            shared.isAfresh = isAfresh
            shared.isUnstable = false
            return shared.generation
        }
        bell.ring()
        return generation
    }

    /// Has the runtime scraped and waits for it, at most so long, seconds.
    func scrape(timeoutSeconds: Double) {
        let mine = shared.withLock { shared in
            shared.wantedScrape += 1
            return shared.wantedScrape
        }
        bell.ring()
        var waited = 0.0
        while snapshot.doneScrape < mine, waited < timeoutSeconds {
            scrapeBell.wait(seconds: 0.1)
            waited += 0.1
        }
    }

    /// Takes the notice that the runtime crashed too often, so that it is acted on once.
    func takeInstability() -> Bool {
        shared.withLock { shared in
            defer { shared.isUnstable = false }
            return shared.isUnstable
        }
    }

    /// Asks the supervisor's thread to end the runtime and return.
    public func stop() {
        shared.withLock { $0.isStopping = true }
        bell.ring()
    }
}

import DeviceAgent
import Fleet
import PrometheusExposition
import Synchronization

/// A model runtime as its agent sees it: a process, a health check, a Prometheus page, reloading.
///
/// It knows what it has counted in all its lives, which is what a controller must have counted in the end.
final class SimulatedRuntime: ProcessLaunching, RuntimeProbing {
    /// The runtime does not answer.
    struct Unreachable: Error {}

    fileprivate struct State {
        var nextProcess: Int32 = 100
        var process: Int32?
        var ends: [Int32: ProcessEnd] = [:]
        /// What is served by the next start or reload.
        var model: Digest?
        var serving: Digest?
        var counts: [Digest: RuntimeTotals] = [:]
        var scraped: [Digest: RuntimeTotals] = [:]
        /// What ended processes had counted, as far as anybody saw it.
        var past: [Digest: RuntimeTotals] = [:]
        var isDeaf = false
        var isIll = false
        var refusesReload = false
        var launches = 0
    }

    private let state = Mutex(State())

    /// What `{model_dir}` leads to.
    func place(_ digest: Digest?) { state.withLock { $0.model = digest } }

    /// What serves; nil without a process.
    var serving: Digest? { state.withLock { $0.process == nil ? nil : $0.serving } }

    /// Scrapes fail as long as this is set.
    func setDeaf(_ isDeaf: Bool) { state.withLock { $0.isDeaf = isDeaf } }

    /// The health check fails as long as this is set.
    func setIll(_ isIll: Bool) { state.withLock { $0.isIll = isIll } }

    /// Reloads are refused as long as this is set.
    func setRefusesReload(_ refuses: Bool) { state.withLock { $0.refusesReload = refuses } }

    /// How often a process was started.
    var launches: Int { state.withLock { $0.launches } }

    /// Serves requests, some of which fail.
    func serve(requests: Int, failures: [String: Int]) {
        state.withLock { state in
            guard state.process != nil, let serving = state.serving else { return }
            var totals = state.counts[serving] ?? RuntimeTotals()
            totals.requests += UInt64(requests)
            for (reason, count) in failures where count > 0 { totals.failures[reason, default: 0] += UInt64(count) }
            state.counts[serving] = totals
        }
    }

    /// What requests that were served measured beside it: latency, classes, shares and means.
    func measure(_ fresh: RuntimeTotals) {
        state.withLock { state in
            guard state.process != nil, let serving = state.serving else { return }
            state.counts[serving] = (state.counts[serving] ?? RuntimeTotals()).adding(fresh)
        }
    }

    /// The process ends by itself; what was not scraped is gone.
    func crash() {
        state.withLock { state in
            if let process = state.process { state.end(process, .signalled(11)) }
        }
    }

    /// What all processes have counted per version, as far as it was ever scraped.
    var counted: [Digest: RuntimeTotals] {
        state.withLock { state in
            (state.process == nil ? state.past : state.past.merging(state.scraped) { $0.adding($1) })
                .filter { !$0.value.isZero }
        }
    }

    // MARK: - ProcessLaunching

    func launch(_ command: [String]) throws -> Int32 {
        state.withLock { state in
            state.nextProcess += 1
            state.launches += 1
            state.process = state.nextProcess
            state.serving = state.model
            return state.nextProcess
        }
    }

    func end(of process: Int32) -> ProcessEnd? { state.withLock { $0.ends[process] } }

    func signal(_ process: Int32, _ number: Int32) {}

    func terminate(_ process: Int32, force: Bool) {
        state.withLock { $0.end(process, .signalled(force ? 9 : 15)) }
    }

    // MARK: - RuntimeProbing

    func get(_ path: String, timeoutSeconds: Double) throws -> ProbeReply {
        let text = state.withLock { state -> String? in
            guard state.process != nil else { return nil }
            if path == "/healthz" { return state.isIll ? nil : "ok" }
            guard !state.isDeaf else { return nil }
            state.scraped = state.counts
            return state.page
        }
        guard let text else { throw Unreachable() }
        return ProbeReply(status: 200, body: Array(text.utf8))
    }

    func post(_ path: String, json: [UInt8], timeoutSeconds: Double) throws -> ProbeReply {
        state.withLock { state in
            guard !state.refusesReload else { return ProbeReply(status: 500, body: []) }
            state.serving = state.model
            return ProbeReply(status: 200, body: [])
        }
    }
}

extension SimulatedRuntime.State {
    fileprivate mutating func end(_ process: Int32, _ end: ProcessEnd) {
        guard self.process == process else { return }
        self.process = nil
        ends[process] = end
        past.merge(scraped) { $0.adding($1) }
        counts = [:]
        scraped = [:]
    }

    /// The page of the examples' runtime.
    fileprivate var page: String {
        var text = ""
        for (digest, totals) in counts {
            text += "inference_requests_total{version=\"\(digest.hex)\"} \(totals.requests)\n"
            for (reason, count) in totals.failures {
                text += "inference_failures_total{version=\"\(digest.hex)\",reason=\"\(reason)\"} \(count)\n"
            }
            text += Self.measured(totals, version: digest.hex)
        }
        return text
    }

    private static func measured(_ totals: RuntimeTotals, version: String) -> String {
        var text = ""
        var upTo: UInt64 = 0
        for (bound, count) in zip(LatencyBounds.seconds.map { "\($0)" } + ["+Inf"], totals.latencyBuckets) {
            upTo += count
            text += "inference_duration_seconds_bucket{version=\"\(version)\",le=\"\(bound)\"} \(upTo)\n"
        }
        for (name, count) in totals.classes {
            text += "inference_answers_total{version=\"\(version)\",class=\"\(name)\"} \(count)\n"
        }
        if let accuracy = totals.shares["accuracy"] {
            text += "inference_labelled_total{version=\"\(version)\",correct=\"true\"} \(accuracy.counted)\n"
            let wrong = accuracy.of - accuracy.counted
            text += "inference_labelled_total{version=\"\(version)\",correct=\"false\"} \(wrong)\n"
        }
        if let confidence = totals.means["confidence"] {
            text += "inference_confidence_sum{version=\"\(version)\"} \(confidence.sum)\n"
            text += "inference_confidence_count{version=\"\(version)\"} \(confidence.count)\n"
        }
        return text
    }
}

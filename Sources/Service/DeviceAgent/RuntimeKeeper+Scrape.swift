import Fleet
import PrometheusExposition

extension RuntimeKeeper {
    static let scrapeTimeoutSeconds = 2.0

    /// Reads the runtime's own counters into the book; a failed scrape changes nothing.
    func scrape() {
        guard let running = child, running.isHealthy else { return }
        do {
            let reply = try services.probe.get(settings.metricsPath, timeoutSeconds: Self.scrapeTimeoutSeconds)
            guard reply.isSuccess else {
                services.log.warning("scrape_refused", ["status": "\(reply.status)"])
                return
            }
            let samples = try PrometheusTextParser().parse(reply.body)
            let names = settings.mapping.versionLabel != nil
            for digest in names ? running.served : [running.digest] {
                let reading = try settings.mapping.read(samples, version: names ? digest.hex : nil)
                let totals = RuntimeTotals(reading).subtracting(running.baseline)
                let series = RuntimeSeries(model: layout.model, digest: digest, start: running.start)
                counters.change { $0.observe(series, totals) }
            }
        } catch {
            services.log.warning("scrape_failed", ["error": "\(error)"])
        }
    }
}

extension RuntimeTotals {
    /// The whole numbers that travel: microseconds and millionths, buckets not accumulated.
    init(_ reading: RuntimeReading) {
        self.init(
            requests: reading.requests, failures: reading.failuresByReason, latencyBuckets: reading.durationCounts,
            latencySumMicroseconds: UInt64(clampingRounded: reading.durationSum * 1e6),
            confidenceSumMillionths: UInt64(clampingRounded: reading.confidenceSum * 1e6),
            confidenceCount: reading.confidenceCount)
    }
}

extension UInt64 {
    /// The nearest whole number; 0 for what is negative or no number, the largest for what is larger.
    init(clampingRounded value: Double) {
        self = value >= 1.8e19 ? .max : value > 0 ? UInt64(value.rounded()) : 0
    }
}

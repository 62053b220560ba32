import Fleet
import PrometheusExposition

extension RuntimeKeeper {
    static let scrapeTimeoutSeconds = 2.0

    /// Reads the runtime's own counters into the book; a failed scrape changes nothing.
    func scrape() {
        guard var running = child, running.isHealthy else { return }
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
                if digest == running.digest { sample(reading, into: &running) }
                let totals = running.measured.totals(of: reading, version: names ? digest : nil, served: digest)
                    .subtracting(running.baseline)
                observe(RuntimeSeries(model: layout.model, digest: digest, start: running.start), totals, &running)
            }
            child = running
        } catch {
            services.log.warning("scrape_failed", ["error": "\(error)"])
        }
    }

    /// Samples what has a value of the moment: the runtime's gauges, and what the agent sees of the device itself.
    private func sample(_ reading: RuntimeReading, into running: inout Child) {
        var values = reading.gauges
        func add(_ name: String, _ value: Double?) {
            if reading.means[name] == nil, values[name] == nil { values[name] = value }
        }
        add("memory_bytes", services.sensors.residentBytes(of: running.process).map { Double($0) })
        add("temperature_celsius", services.sensors.temperatureCelsius())
        running.measured.sample(values, on: running.digest)
    }

    /// Takes totals into the book, with as many named metrics as travel; one that has travelled goes on doing so.
    private func observe(_ series: RuntimeSeries, _ totals: RuntimeTotals, _ running: inout Child) {
        let refused = counters.change { book -> [String] in
            let (kept, refused) = totals.limited(knownFrom: book.entries[series]?.totals ?? RuntimeTotals())
            book.observe(series, kept)
            return refused
        }
        let news = refused.filter { running.measured.refused.insert($0).inserted }
        status.change { $0.refusedMetrics = running.measured.refused.count }
        guard !news.isEmpty else { return }
        services.log.warning(
            "metrics_refused",
            [
                "names": news.joined(separator: ", "),
                "remedy": "at most \(MeasurementName.limit) named metrics of a version travel, and a class is named in "
                    + "printable ASCII; leave some out of the mapping",
            ])
    }
}

/// What is measured of one process of the runtime beside its own counters.
struct MeasuredProcess {
    /// Named metrics that did not travel.
    var refused: Set<String> = []
    private var sampled: [Digest: [String: MeanTotals]] = [:]
    /// The last sum of each mean and how far it has fallen in all, by version where the runtime names versions.
    private var sums: [Digest?: [String: (last: Double, below: Double)]] = [:]

    /// Adds values of the moment.
    mutating func sample(_ values: [String: Double], on digest: Digest) {
        for (name, value) in values {
            let known = sampled[digest]?[name] ?? MeanTotals()
            let one = MeanTotals(value: value)
            sampled[digest, default: [:]][name] = MeanTotals(
                count: known.count + 1, above: known.above + one.above, below: known.below + one.below)
        }
    }

    /// The runtime goes on, under another series: what was sampled stays behind.
    mutating func seriesBegan() { sampled = [:] }

    /// The whole numbers and sums that travel: microseconds, buckets not accumulated, sums to a millionth.
    mutating func totals(of reading: RuntimeReading, version: Digest?, served: Digest) -> RuntimeTotals {
        var totals = RuntimeTotals(
            requests: reading.requests, failures: reading.failuresByReason, latencyBuckets: reading.durationCounts,
            latencySumMicroseconds: UInt64(clampingRounded: reading.durationSum * 1e6))
        totals.answers = reading.answers
        totals.classes = reading.classes
        totals.shares = reading.shares.mapValues { ShareTotals(of: $0.of, counted: $0.counted) }
        for (name, mean) in reading.means {
            let (last, below) = sums[version]?[name] ?? (0, 0)
            let fallen = below + max(0, last - mean.sum)
            sums[version, default: [:]][name] = (mean.sum, fallen)
            totals.means[name] = MeanTotals(count: mean.count, above: max(0, mean.sum + fallen), below: fallen)
        }
        totals.means.merge(sampled[served] ?? [:]) { own, _ in own }
        totals.means = totals.means.mapValues(\.rounded)
        return totals
    }
}

extension RuntimeTotals {
    /// These totals with no more named metrics than travel, and the names of the others.
    ///
    /// Those that are known stay; then come means and shares by name, and classes last, because there are many.
    func limited(knownFrom known: RuntimeTotals) -> (kept: RuntimeTotals, refused: [String]) {
        var kept = self
        var refused: [String] = []
        var room = MeasurementName.limit - known.namedCount
        func isRefused(_ name: String, isKnown: Bool, isAllowed: Bool) -> Bool {
            if isKnown { return false }
            room -= isAllowed ? 1 : 0
            if isAllowed, room >= 0 { return false }
            refused.append(name)
            return true
        }
        for name in means.keys.sorted()
        where isRefused(name, isKnown: known.means[name] != nil, isAllowed: MeasurementName.isFree(name)) {
            kept.means[name] = nil
        }
        for name in shares.keys.sorted()
        where isRefused(name, isKnown: known.shares[name] != nil, isAllowed: MeasurementName.isFree(name)) {
            kept.shares[name] = nil
        }
        for name in classes.keys.sorted()
        where isRefused(
            MeasurementName.classPrefix + name, isKnown: known.classes[name] != nil,
            isAllowed: MeasurementName.isClass(name))
        {
            kept.classes[name] = nil
        }
        return (kept, refused)
    }
}

extension MeanTotals {
    /// To a millionth, so that sums are short where they are written; what grows still grows or stays.
    fileprivate var rounded: MeanTotals {
        MeanTotals(
            count: count, above: (above * 1e6).rounded() / 1e6, below: (below * 1e6).rounded() / 1e6)
    }
}

extension UInt64 {
    /// The nearest whole number; 0 for what is negative or no number, the largest for what is larger.
    init(clampingRounded value: Double) {
        self = value >= 1.8e19 ? .max : value > 0 ? UInt64(value.rounded()) : 0
    }
}

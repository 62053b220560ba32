import CanaryAnalysis
import Fleet
import Orchestration
import WireFormat

extension StoredTelemetry {
    /// The record as JSON text with sorted keys, as `Codable` reads and writes it.
    ///
    /// A tick writes one for every device that was heard, and nothing else holds up as many. nil where a number has no
    /// spelling in JSON.
    var text: String? {
        var text = JSONWriter(expectedBytes: 2048)
        text.object { text in
            text.name("boot")
            text.number(boot)
            text.name("crashes")
            text.counts(crashes)
            text.name("device")
            text.text(device.rawValue)
            text.name("failedStarts")
            text.counts(failedStarts)
            text.name("history")
            text.array { for one in history { $0.write(one) } }
            if let lastHeartbeatAt {
                text.name("lastHeartbeatAt")
                text.text(lastHeartbeatAt.description)
            }
            text.name("ledger")
            text.write(ledger)
            text.name("lifetime")
            text.array { for one in lifetime { $0.write(one) } }
            text.name("sequence")
            text.number(sequence)
        }
        return text.hasNoSpelling ? nil : text.string
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ ledger: CounterLedger) {
        object { text in
            text.name("gaps")
            text.array { text in
                for (series, gaps) in ledger.gaps.sorted(by: { $0.key < $1.key }) {
                    text.write(series)
                    text.number(gaps)
                }
            }
            text.name("totals")
            text.array { text in
                for (series, totals) in ledger.totals.sorted(by: { $0.key < $1.key }) {
                    text.write(series)
                    text.write(totals)
                }
            }
        }
    }

    private mutating func write(_ series: RuntimeSeries) {
        object { text in
            text.name("digest")
            text.text(series.digest.hex)
            text.name("model")
            text.text(series.model.rawValue)
            text.name("start")
            text.number(series.start)
        }
    }

    fileprivate mutating func write(_ lifetime: VersionTotals) {
        object { text in
            text.name("digest")
            text.text(lifetime.digest.hex)
            text.name("gaps")
            text.number(lifetime.gaps)
            text.name("totals")
            text.write(lifetime.totals)
        }
    }

    private mutating func write(_ totals: RuntimeTotals) {
        object { text in
            if totals.answers > 0 {
                text.name("answers")
                text.number(totals.answers)
            }
            if !totals.classes.isEmpty {
                text.name("classes")
                text.counts(totals.classes)
            }
            text.name("failures")
            text.counts(totals.failures)
            text.name("latencyBuckets")
            text.array { for count in totals.latencyBuckets { $0.number(count) } }
            text.name("latencySumMicroseconds")
            text.number(totals.latencySumMicroseconds)
            if !totals.means.isEmpty {
                text.name("means")
                text.members(totals.means) { text, mean in
                    text.array { text in
                        text.number(mean.count)
                        text.number(mean.above)
                        if mean.below > 0 { text.number(mean.below) }
                    }
                }
            }
            text.name("requests")
            text.number(totals.requests)
            if !totals.shares.isEmpty {
                text.name("shares")
                text.members(totals.shares) { text, share in
                    text.array { text in
                        text.number(share.of)
                        text.number(share.counted)
                    }
                }
            }
        }
    }

    fileprivate mutating func write(_ history: VersionHistory) {
        object { text in
            text.name("at")
            text.text(history.at.description)
            text.name("digest")
            text.text(history.digest.hex)
            text.name("measured")
            text.write(history.measured)
        }
    }

    private mutating func write(_ measured: NamedMeasurements) {
        object { text in
            text.name("answers")
            text.number(measured.answers)
            text.name("classes")
            text.members(measured.classes) { $0.number($1) }
            text.name("failures")
            text.number(measured.failures)
            text.name("latency")
            text.array { for count in measured.latency { $0.number(count) } }
            text.name("means")
            text.members(measured.means) { $0.write($1) }
            text.name("requests")
            text.number(measured.requests)
            text.name("shares")
            text.members(measured.shares) { $0.write($1) }
        }
    }

    private mutating func write(_ tally: Tally) {
        object { text in
            text.name("count")
            text.number(tally.count)
            text.name("total")
            text.number(tally.total)
        }
    }

    private mutating func counts(_ counts: [String: UInt64]) {
        members(counts) { $0.number($1) }
    }

    fileprivate mutating func counts(_ counts: [ModelName: UInt64]) {
        object { text in
            for (model, count) in counts.sorted(by: { $0.key < $1.key }) {
                text.name(model.rawValue)
                text.number(count)
            }
        }
    }

    private mutating func members<Value>(
        _ members: [String: Value], _ write: (inout JSONWriter, Value) -> Void
    ) {
        object { text in
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                text.name(name)
                write(&text, value)
            }
        }
    }
}

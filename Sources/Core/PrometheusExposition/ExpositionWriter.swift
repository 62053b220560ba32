/// Writes families as text, sample by sample.
///
/// Sources: Prometheus documentation, "Exposition formats" (text 0.0.4); OpenMetrics 1.0. Both formats show the same
/// series with the same labels; there are no timestamps, and no `_created` lines, which would each be a second series.
struct ExpositionWriter {
    private let format: ExpositionFormat
    private var bytes: [UInt8] = []

    init(format: ExpositionFormat, reserving capacity: Int = 0) {
        self.format = format
        bytes.reserveCapacity(capacity + capacity / 8)
    }

    /// Writes a collected family; nothing at all where it has no samples.
    mutating func write(_ family: MetricFamily, samples: [MetricSnapshot.Sample]) {
        guard !samples.isEmpty else { return }
        writeHeader(family)
        for sample in samples {
            writeName(family.name, labels: sample.labelText)
            bytes.append(contentsOf: Self.number(sample.value).utf8)
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    /// Writes a counter family.
    mutating func write(_ family: MetricFamily, counters: [CounterSeries]) {
        guard !counters.isEmpty else { return }
        writeHeader(family)
        for series in counters {
            writeName(family.name, labels: series.labelText)
            append(series.value)
            if format == .openMetrics, let exemplar = series.exemplar { append(exemplar) }
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    /// Writes a histogram family.
    mutating func write(_ family: MetricFamily, histograms: [HistogramSeries]) {
        guard !histograms.isEmpty else { return }
        writeHeader(family)
        let names = (bucket: family.name + "_bucket", sum: family.name + "_sum", count: family.name + "_count")
        let bounds = family.bounds.map { "le=\"\($0)\"" } + ["le=\"+Inf\""]
        for series in histograms {
            let observations = series.current
            var count: UInt64 = 0
            for (bound, bucket) in zip(bounds, observations.counts) {
                count &+= bucket
                writeName(names.bucket, labels: series.labelText, bound: bound)
                append(count)
                bytes.append(UInt8(ascii: "\n"))
            }
            writeName(names.sum, labels: series.labelText)
            bytes.append(contentsOf: Self.number(observations.sum).utf8)
            bytes.append(UInt8(ascii: "\n"))
            writeName(names.count, labels: series.labelText)
            append(count)
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    /// Ends the text.
    consuming func finish() -> [UInt8] {
        if format == .openMetrics { append("# EOF\n") }
        return bytes
    }

    /// A number as both formats read it: whole numbers without a fraction, infinities and NaN by their names.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value), abs(value) < 1e15 { return "\(whole)" }
        return "\(value)"
    }

    private mutating func writeHeader(_ family: MetricFamily) {
        let name = format == .openMetrics ? family.openMetricsName : family.name
        append("# HELP \(name) \(escapedHelp(family.help))\n# TYPE \(name) \(family.type.rawValue)\n")
        if format == .openMetrics, let unit = family.unit { append("# UNIT \(name) \(unit)\n") }
    }

    /// Writes `name{labels,bound} ` up to the blank before the value.
    private mutating func writeName(_ name: String, labels: String, bound: String = "") {
        append(name)
        if !labels.isEmpty || !bound.isEmpty {
            bytes.append(UInt8(ascii: "{"))
            append(labels)
            if !labels.isEmpty, !bound.isEmpty { bytes.append(UInt8(ascii: ",")) }
            append(bound)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
    }

    private mutating func append(_ exemplar: Exemplar) {
        append(" # {\(exemplar.labelText)} \(Self.number(exemplar.value))")
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func append(_ count: UInt64) {
        append("\(count)")
    }

    /// OpenMetrics escapes quotes in a help text, the classic format does not.
    private func escapedHelp(_ help: String) -> String {
        var text = ""
        for scalar in help.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\"" where format == .openMetrics: text += "\\\""
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

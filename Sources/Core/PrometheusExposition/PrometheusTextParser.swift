/// Reads the text formats of Prometheus: 0.0.4 and, as far as samples go, OpenMetrics.
///
/// Comments, timestamps and exemplars are skipped, and so is whatever follows `# EOF`. Any other line fails the whole
/// text, as it does in Prometheus: half of the counters would look like a loss.
///
/// Source: Prometheus documentation, "Exposition formats".
public struct PrometheusTextParser: Sendable {
    /// How much is read at most.
    public struct Limits: Sendable, Hashable {
        /// The size of the text in bytes.
        public var bytes: Int
        /// The number of samples.
        public var samples: Int
        /// The number of labels of one sample.
        public var labels: Int

        /// Sets limits.
        public init(bytes: Int = 1_048_576, samples: Int = 10_000, labels: Int = 32) {
            self.bytes = bytes
            self.samples = samples
            self.labels = labels
        }
    }

    /// The limits that hold.
    public let limits: Limits

    /// Makes a parser.
    public init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Reads all samples in the order of the text.
    ///
    /// - Throws: ``PrometheusTextError`` for a text beyond the limits and for the first line that cannot be read.
    public func parse(_ bytes: [UInt8]) throws(PrometheusTextError) -> [PrometheusSample] {
        guard bytes.count <= limits.bytes else { throw .tooLarge(bytes: bytes.count, limitBytes: limits.bytes) }
        var samples: [PrometheusSample] = []
        var line = 0
        for content in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            line += 1
            var reader = SampleReader(content, line: line, labelLimit: limits.labels)
            if reader.isEndMark { break }
            guard !reader.isBlankOrComment else { continue }
            guard samples.count < limits.samples else { throw .tooManySamples(limit: limits.samples) }
            samples.append(try reader.sample())
        }
        return samples
    }
}

/// Reads one line from left to right.
private struct SampleReader {
    private let content: ArraySlice<UInt8>
    private var position: Int
    private let line: Int
    private let labelLimit: Int

    init(_ content: ArraySlice<UInt8>, line: Int, labelLimit: Int) {
        let end = content.last == UInt8(ascii: "\r") ? content.endIndex - 1 : content.endIndex
        self.content = content[content.startIndex..<end]
        position = content.startIndex
        self.line = line
        self.labelLimit = labelLimit
        skipBlanks()
    }

    var isBlankOrComment: Bool { current == nil || current == UInt8(ascii: "#") }

    var isEndMark: Bool { content.elementsEqual("# EOF".utf8) }

    /// Reads `name{labels} value`, or `{"name",labels} value` as Prometheus 3 writes names beyond the old alphabet.
    mutating func sample() throws(PrometheusTextError) -> PrometheusSample {
        var name = word()
        var labels: [String: String] = [:]
        skipBlanks()
        if take("{") {
            labels = try self.labels(quotedName: &name)
        }
        guard !name.isEmpty else { throw malformed("the name is missing") }
        skipBlanks()
        let token = self.token()
        guard let value = Self.number(token) else { throw malformed("the value is missing or no number") }
        skipBlanks()
        try skipTimestamp()
        return PrometheusSample(name: name, labels: labels, value: value)
    }

    private mutating func labels(quotedName name: inout String) throws(PrometheusTextError) -> [String: String] {
        var labels: [String: String] = [:]
        while true {
            skipBlanks()
            if take("}") { return labels }
            let isQuoted = current == UInt8(ascii: "\"")
            let label = isQuoted ? try quoted() : word()
            skipBlanks()
            if isQuoted, name.isEmpty, current != UInt8(ascii: "=") {
                name = label
            } else {
                guard !label.isEmpty, take("=") else { throw malformed("a label lacks its name or '='") }
                skipBlanks()
                guard labels.count < labelLimit else { throw .tooManyLabels(line: line, limit: labelLimit) }
                labels[label] = try quoted()
                skipBlanks()
            }
            guard take(",") || current == UInt8(ascii: "}") else { throw malformed("the labels do not end") }
        }
    }

    /// Reads a value in quotes; `\\`, `\"` and `\n` are escapes, and any other backslash stands for itself.
    private mutating func quoted() throws(PrometheusTextError) -> String {
        guard take("\"") else { throw malformed("a label value lacks its quotes") }
        var value: [UInt8] = []
        while let byte = current {
            position += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: value, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\"), let escaped = current else {
                value.append(byte)
                continue
            }
            switch escaped {
            case UInt8(ascii: "n"): value.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "\\"), UInt8(ascii: "\""): value.append(escaped)
            default: value += [byte, escaped]
            }
            position += 1
        }
        throw malformed("a label value does not end")
    }

    /// Accepts what may follow a value: nothing, a timestamp, an exemplar.
    private mutating func skipTimestamp() throws(PrometheusTextError) {
        guard let byte = current, byte != UInt8(ascii: "#") else { return }
        guard Self.number(token()) != nil else { throw malformed("what follows the value is no timestamp") }
        skipBlanks()
        guard current == nil || current == UInt8(ascii: "#") else { throw malformed("something follows the timestamp") }
    }

    /// Reads a number; the words for infinity and NaN in any case.
    private static func number(_ token: String) -> Double? {
        switch token.lowercased() {
        case "+inf", "inf": .infinity
        case "-inf": -.infinity
        case "nan": .nan
        // Double also reads hexadecimal and "nan(…)"; Prometheus does not write them.
        default: token.utf8.allSatisfy(isNumberByte) ? Double(token) : nil
        }
    }

    private static func isNumberByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    private mutating func word() -> String {
        let start = position
        while let byte = current, Self.isWordByte(byte) { position += 1 }
        return String(decoding: content[start..<position], as: UTF8.self)
    }

    private mutating func token() -> String {
        let start = position
        while let byte = current, byte != 0x20, byte != 0x09 { position += 1 }
        return String(decoding: content[start..<position], as: UTF8.self)
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "."): true
        default: false
        }
    }

    private var current: UInt8? { position < content.endIndex ? content[position] : nil }

    private mutating func skipBlanks() {
        while current == 0x20 || current == 0x09 { position += 1 }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: scalar) else { return false }
        position += 1
        return true
    }

    private func malformed(_ fault: String) -> PrometheusTextError {
        .malformed(line: line, fault: fault)
    }
}

/// The progress of a transfer as a line that is written again and again, or as a few lines where nobody looks.
///
/// Time comes in as an argument: seconds on any clock that does not go back.
public struct ProgressLine: Sendable {
    private let title: String
    private let totalBytes: UInt64
    private let startedAt: Double
    private var startBytes: UInt64?
    private var lastTenth = 0
    private var lastDrawnAt = -Double.infinity

    /// Starts a transfer of `totalBytes`.
    public init(title: String, totalBytes: UInt64, at seconds: Double) {
        self.title = title
        self.totalBytes = totalBytes
        startedAt = seconds
    }

    /// So many bytes are done; returns what to write, nil for nothing.
    ///
    /// On a terminal at most ten times a second and at the end; elsewhere once per tenth of the whole, starting with
    /// the first tenth that this transfer finished itself.
    public mutating func advanced(to bytes: UInt64, at seconds: Double, on terminal: Terminal) -> String? {
        let base = startBytes ?? bytes
        if startBytes == nil {
            startBytes = bytes
            lastTenth = tenth(bytes)
        }
        let isDone = bytes >= totalBytes
        guard terminal.isInteractive else {
            guard tenth(bytes) > lastTenth || (isDone && base == bytes) else { return nil }
            lastTenth = tenth(bytes)
            return "\(title)  \(facts(bytes, base: base, at: seconds))\n"
        }
        guard isDone || seconds - lastDrawnAt >= 0.1 else { return nil }
        lastDrawnAt = seconds
        let bar = Bar.filled(Double(bytes), of: Double(max(1, totalBytes)), width: 20, palette: terminal.palette)
        let line = "\(title)  \(bar)  \(facts(bytes, base: base, at: seconds))"
        return "\r" + line.prefix(columns: terminal.size.columns - 1) + "\u{1B}[K" + (isDone ? "\n" : "")
    }

    private func tenth(_ bytes: UInt64) -> Int {
        totalBytes == 0 ? 10 : Int(10 * Double(min(bytes, totalBytes)) / Double(totalBytes))
    }

    private func facts(_ bytes: UInt64, base: UInt64, at seconds: Double) -> String {
        let share = totalBytes == 0 ? 1 : Double(bytes) / Double(totalBytes)
        var text =
            "\(Quantity.decimal(share * 100, digits: 0)) %  \(Quantity.bytes(bytes)) of \(Quantity.bytes(totalBytes))"
        let elapsed = seconds - startedAt
        guard elapsed > 0, bytes > base else { return text }
        let rate = Double(bytes - base) / elapsed
        text += "  \(Quantity.bytes(UInt64(rate)))/s"
        if bytes < totalBytes { text += "  \(Quantity.duration(seconds: Double(totalBytes - bytes) / rate)) left" }
        return text
    }
}

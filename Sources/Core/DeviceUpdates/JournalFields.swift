import Fleet

/// Writes the fields of a journal record in little-endian order.
struct FieldWriter {
    private static let textBytes = 32

    private(set) var bytes: [UInt8]

    mutating func append(_ value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    mutating func append(_ digest: Digest?) {
        bytes.append(digest == nil ? 0 : 1)
        bytes.append(contentsOf: digest?.bytes ?? Array(repeating: 0, count: 32))
    }

    mutating func append(_ attempt: Attempt) {
        append(attempt.assignment)
        append(attempt.from)
        append(Optional(attempt.to))
        append(attempt.fallback)
        append(attempt.backup)
        append(attempt.probationSeconds)
        append(attempt.path.rawValue)
        append(attempt.transitions)
        append(attempt.boots)
    }

    mutating func append(_ failure: Failure) {
        append(text: failure.step.rawValue)
        append(text: failure.reason.rawValue)
    }

    private mutating func append(text: String) {
        let shown = Array(text.utf8.prefix(Self.textBytes))
        bytes.append(contentsOf: shown)
        bytes.append(contentsOf: repeatElement(0, count: Self.textBytes - shown.count))
    }
}

/// Reads the fields of a journal record; each read is nil where bytes are missing or mean nothing.
struct FieldReader {
    private var bytes: ArraySlice<UInt8>

    init(bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    mutating func integer<Value: FixedWidthInteger>(_: Value.Type) -> Value? {
        guard let taken = take(Value.bitWidth / 8) else { return nil }
        return taken.reversed().reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }

    mutating func failure() -> Failure? {
        guard let step = text().flatMap(UpdateStep.init(rawValue:)),
            let reason = text().flatMap(FailureReason.init(rawValue:))
        else { return nil }
        return Failure(step: step, reason: reason)
    }

    mutating func attempt() -> Attempt? {
        guard let assignment = integer(UInt64.self), let from = digest(), let target = digest(), let to = target,
            let fallback = digest(), let backup = digest(), let probationSeconds = integer(UInt32.self),
            let path = integer(UInt8.self).flatMap(Attempt.Path.init(rawValue:)),
            let transitions = integer(UInt16.self), let boots = integer(UInt16.self)
        else { return nil }
        return Attempt(
            assignment: assignment, from: from, to: to, fallback: fallback, backup: backup,
            probationSeconds: probationSeconds, path: path, transitions: transitions, boots: boots)
    }

    /// The outer optional says whether the field could be read, the inner one whether it holds a digest.
    private mutating func digest() -> Digest?? {
        guard let present = integer(UInt8.self), let taken = take(32) else { return .none }
        return .some(present == 1 ? Digest(bytes: Array(taken)) : nil)
    }

    private mutating func text() -> String? {
        take(32).map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard bytes.count >= count else { return nil }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }
}

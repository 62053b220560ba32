/// Why bytes are no evidence.
public enum EvidenceFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The version byte is unknown: the row was written by a newer program.
    case unknownVersion(UInt8)
    /// The bytes end too early.
    case truncated
    /// There are bytes left over, or a number is out of range.
    case malformed

    /// A sentence for people.
    public var description: String {
        switch self {
        case .unknownVersion(let version):
            "evidence of format \(version) cannot be read by this program; use the one that wrote it or a newer one"
        case .truncated: "a row of evidence ends too early"
        case .malformed: "a row of evidence is malformed"
        }
    }
}

extension TickEvidence {
    private static let formatVersion: UInt8 = 2

    /// The packed form: a version byte, then numbers of seven bits a byte, least significant first (LEB128).
    ///
    /// A tally's whole numbers are written doubled; any other number is a 1 and its eight bytes (IEEE 754).
    public func encoded() -> [UInt8] {
        var writer = PackedWriter(bytes: [Self.formatVersion])
        writer.put(UInt64(observations.count))
        for one in observations {
            writer.put(UInt64(one.device))
            writer.put(one.flags)
            if one.crashes > 0 || one.failedStarts > 0 {
                writer.put(one.crashes)
                writer.put(one.failedStarts)
            }
            for tallies in [one.old, one.new] where !tallies.isEmpty {
                writer.put(UInt64(tallies.count))
                for tally in tallies {
                    writer.put(tally.count)
                    writer.put(tally.total)
                }
            }
        }
        return writer.bytes
    }

    /// Reads the packed form.
    ///
    /// - Throws: ``EvidenceFault``.
    public init(decoding bytes: [UInt8]) throws(EvidenceFault) {
        guard let version = bytes.first else { throw .truncated }
        guard version == Self.formatVersion else { throw .unknownVersion(version) }
        var reader = PackedReader(bytes: bytes, position: 1)
        let count = try reader.count()
        var observations: [DeviceObservation] = []
        for _ in 0..<count { observations.append(try DeviceObservation(&reader)) }
        guard reader.isAtEnd else { throw .malformed }
        self.init(observations: observations)
    }
}

extension DeviceObservation {
    fileprivate var flags: UInt64 {
        let bits: [Bool] = [
            wasHeard, isCommanded, isExposed, hasFailedUpdate, isExcused, crashes > 0 || failedStarts > 0, !old.isEmpty,
            !new.isEmpty,
        ]
        return bits.enumerated().reduce(0) { $1.element ? $0 | 1 << UInt64($1.offset) : $0 }
    }

    fileprivate init(_ reader: inout PackedReader) throws(EvidenceFault) {
        let place = try reader.next()
        guard place < UInt64(UInt32.max) else { throw .malformed }
        self.init(device: Int(place))
        let flags = try reader.next()
        guard flags < 256 else { throw .malformed }
        wasHeard = flags & 1 != 0
        isCommanded = flags & 2 != 0
        isExposed = flags & 4 != 0
        hasFailedUpdate = flags & 8 != 0
        isExcused = flags & 16 != 0
        if flags & 32 != 0 {
            crashes = try reader.next()
            failedStarts = try reader.next()
        }
        if flags & 64 != 0 { old = try Self.tallies(&reader) }
        if flags & 128 != 0 { new = try Self.tallies(&reader) }
    }

    private static func tallies(_ reader: inout PackedReader) throws(EvidenceFault) -> [Tally] {
        var tallies: [Tally] = []
        for _ in 0..<(try reader.count()) {
            let tally = Tally(count: try reader.real(), total: try reader.real())
            guard tally.count >= 0 else { throw .malformed }
            tallies.append(tally)
        }
        return tallies
    }
}

private struct PackedWriter {
    var bytes: [UInt8]

    mutating func put(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func put(_ number: Double) {
        if let whole = UInt64(exactly: number), whole < 1 << 62 {
            put(whole << 1)
        } else {
            bytes.append(1)
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> shift))
            }
        }
    }
}

private struct PackedReader {
    let bytes: [UInt8]
    var position: Int

    var isAtEnd: Bool { position == bytes.count }

    mutating func next() throws(EvidenceFault) -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard position < bytes.count else { throw .truncated }
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte <= 1 else { throw .malformed }
            number |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return number }
        }
        throw .malformed
    }

    /// A finite number.
    mutating func real() throws(EvidenceFault) -> Double {
        let tagged = try next()
        guard tagged != 1 else {
            guard bytes.count - position >= 8 else { throw .truncated }
            var pattern: UInt64 = 0
            for (place, byte) in bytes[position..<position + 8].enumerated() {
                pattern |= UInt64(byte) << UInt64(8 * place)
            }
            position += 8
            let number = Double(bitPattern: pattern)
            guard number.isFinite else { throw .malformed }
            return number
        }
        guard tagged & 1 == 0 else { throw .malformed }
        return Double(tagged >> 1)
    }

    /// A number of things that follow: never more than there are bytes left.
    mutating func count() throws(EvidenceFault) -> Int {
        let number = try next()
        guard number <= UInt64(bytes.count - position) else { throw .truncated }
        return Int(number)
    }
}

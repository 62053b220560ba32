/// Which pieces of a file are on the device and checked: decides what is fetched next.
///
/// Pieces may come in any order. A piece counts once its digest was found right; a piece that was not goes on missing
/// and is asked for again, alone.
public struct ChunkMap: Hashable, Sendable {
    /// The size of the file, bytes; more than 0.
    public let sizeBytes: UInt64
    /// The size of every piece but the last, bytes.
    public let chunkBytes: UInt64
    private var isGood: [Bool]
    /// How much of a piece was received from its start on, without being checked; bytes.
    private var begun: [Int: UInt64] = [:]

    /// A map of a file of which nothing is there.
    public init(sizeBytes: UInt64, chunkBytes: UInt64) {
        precondition(sizeBytes > 0 && chunkBytes > 0, "an empty file has no pieces")
        self.sizeBytes = sizeBytes
        self.chunkBytes = chunkBytes
        isGood = Array(repeating: false, count: Int((sizeBytes - 1) / chunkBytes) + 1)
    }

    /// How many pieces the file has.
    public var count: Int { isGood.count }

    /// Whether every piece is there and right.
    public var isComplete: Bool { isGood.allSatisfy(\.self) }

    /// The piece that holds a byte.
    public func chunk(at offset: UInt64) -> Int { Int(offset / chunkBytes) }

    /// The bytes of a piece.
    public func bytes(of chunk: Int) -> Range<UInt64> {
        let start = UInt64(chunk) * chunkBytes
        return start..<min(start + chunkBytes, sizeBytes)
    }

    /// Whether a piece is there and right.
    public func isGood(_ chunk: Int) -> Bool { isGood[chunk] }

    /// How much need not be fetched again, as far as is known; bytes.
    public var heldBytes: UInt64 {
        isGood.indices.reduce(0) { sum, chunk in
            let range = bytes(of: chunk)
            return sum + (isGood[chunk] ? range.upperBound - range.lowerBound : begun[chunk] ?? 0)
        }
    }

    /// The next bytes to ask for: the longest run of missing pieces, from where it broke off; nil when nothing is
    /// missing.
    ///
    /// The longest first, so that each request is worth its while where requests fail, and single pieces wait.
    public var missing: Range<UInt64>? {
        var longest: Range<UInt64>?
        var chunk = 0
        while chunk < count {
            guard !isGood[chunk] else {
                chunk += 1
                continue
            }
            let behind = isGood[chunk...].firstIndex(of: true) ?? count
            let run = bytes(of: chunk).lowerBound + (begun[chunk] ?? 0)..<bytes(of: behind - 1).upperBound
            if run.count > longest?.count ?? 0 { longest = run }
            chunk = behind
        }
        return longest
    }

    /// Bytes of one piece were stored; true when all of the piece is there and should be checked.
    ///
    /// Bytes that leave a gap behind what is known of the piece are not counted.
    public mutating func stored(_ range: Range<UInt64>) -> Bool {
        let chunk = chunk(at: range.lowerBound)
        let whole = bytes(of: chunk)
        precondition(range.upperBound <= whole.upperBound, "bytes of one piece at a time")
        let known = whole.lowerBound + (begun[chunk] ?? 0)
        guard !isGood[chunk], range.lowerBound <= known else { return false }
        begun[chunk] = max(known, range.upperBound) - whole.lowerBound
        return begun[chunk] == whole.upperBound - whole.lowerBound
    }

    /// A piece was checked.
    public mutating func checked(_ chunk: Int, isRight: Bool) {
        begun[chunk] = nil
        isGood[chunk] = isRight
    }
}

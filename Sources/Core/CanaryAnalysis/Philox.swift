/// The counter-based generator Philox 4x32-10: a keyed function from 128 bits to 128 random bits.
///
/// It has no state, so any draw can be recomputed from its key and place, in any order, on any machine.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011); vectors of Random123.
public struct Philox: Hashable, Sendable {
    /// Four 32-bit words: a place in the sequence, or the random words found there.
    public struct Block: Hashable, Sendable {
        /// The words in the order of the published vectors.
        public var words: (UInt32, UInt32, UInt32, UInt32)

        /// Makes a block of four words.
        public init(_ first: UInt32, _ second: UInt32, _ third: UInt32, _ fourth: UInt32) {
            words = (first, second, third, fourth)
        }

        /// True when all four words are equal.
        public static func == (left: Block, right: Block) -> Bool { left.words == right.words }

        /// Feeds the four words.
        public func hash(into hasher: inout Hasher) {
            hasher.combine(words.0)
            hasher.combine(words.1)
            hasher.combine(words.2)
            hasher.combine(words.3)
        }

        /// The first two words as one number.
        public var firstHalf: UInt64 { UInt64(words.0) << 32 | UInt64(words.1) }
    }

    private let key: (low: UInt32, high: UInt32)

    /// Makes the generator of a key: the low 32 bits are the published key's first word.
    public init(key: UInt64) {
        self.key = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    }

    /// The random words at a place.
    public func block(at place: Block) -> Block {
        var (c0, c1, c2, c3) = place.words
        var (k0, k1) = (key.low, key.high)
        for _ in 0..<10 {
            let left = UInt64(0xD251_1F53) &* UInt64(c0)
            let right = UInt64(0xCD9E_8D57) &* UInt64(c2)
            (c0, c1, c2, c3) = (
                UInt32(truncatingIfNeeded: right >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: right),
                UInt32(truncatingIfNeeded: left >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: left)
            )
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return Block(c0, c1, c2, c3)
    }

    /// True when both have the same key.
    public static func == (left: Philox, right: Philox) -> Bool { left.key == right.key }

    /// Feeds the key.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(key.low)
        hasher.combine(key.high)
    }
}

extension Philox {
    /// What a draw is for: the last word of its place, so that no two uses share random words.
    enum Purpose: UInt32 {
        case seed = 1
        case cohort = 2
        case remainder = 3
        case assignments = 4
        case newFailures = 5
        case oldFailures = 6
        case oldSuccesses = 7
    }

    /// The seed of one step of one rollout.
    ///
    /// - Parameter salt: random text that was made for this rollout, or for this retry of it, and recorded.
    /// - Parameter step: counted from 1.
    public static func seed(salt: String, step: Int) -> UInt64 {
        let place = Block(UInt32(truncatingIfNeeded: step), 0, 0, Purpose.seed.rawValue)
        return Philox(key: fingerprint(of: salt)).block(at: place).firstHalf
    }

    /// A random number for a text, 64 bits.
    func number(for text: String, purpose: Purpose) -> UInt64 {
        let print = Philox.fingerprint(of: text)
        return block(
            at: Block(UInt32(truncatingIfNeeded: print), UInt32(truncatingIfNeeded: print >> 32), 0, purpose.rawValue)
        ).firstHalf
    }

    /// FNV-1a, 64 bits; the generator behind it does the mixing.
    private static func fingerprint(of text: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        return hash
    }
}

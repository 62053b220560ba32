/// What a sequence of random numbers is for; sequences with different purposes never share a block.
public enum RandomPurpose: UInt32, Sendable {
    /// Drawing a cohort.
    case draw = 1
    /// Drawing the assignments that the observed one is compared with.
    case assignments = 2
    /// Thinning or flipping counts for the proof of safety.
    case proof = 3
    /// Thinning counts for the interval.
    case interval = 4
    /// Drawing when a placebo rollout starts.
    case schedule = 5
}

/// A keyed sequence of random numbers.
public struct KeyedRandom: Sendable {
    private let key: SIMD2<UInt32>
    private let purpose: UInt32
    private let stream: UInt32
    private var position: UInt64 = 0

    /// Starts the sequence of a seed, a purpose and a stream within it.
    public init(seed: UInt64, purpose: RandomPurpose, stream: UInt32 = 0) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        self.purpose = purpose.rawValue
        self.stream = stream
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        let block = position >> 1
        let counter = SIMD4(
            UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32), stream, purpose)
        let words = Philox.block(counter: counter, key: key)
        let isFirstHalf = position & 1 == 0
        position += 1
        return isFirstHalf ? UInt64(words.y) << 32 | UInt64(words.x) : UInt64(words.w) << 32 | UInt64(words.z)
    }

    /// The next number in 0 ..< `bound`, each equally likely.
    ///
    /// Source: Lemire, "Fast Random Integer Generation in an Interval", 2019.
    public mutating func next(below bound: Int) -> Int {
        precondition(bound > 0, "a random number needs a bound above zero")
        let bound = UInt64(bound)
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
        }
        return Int(product.high)
    }

    /// The uniform number in 0 ..< 1 at a place of a table: the same whenever and in whatever order it is asked for.
    static func uniform(seed: UInt64, purpose: RandomPurpose, row: UInt32, column: UInt64) -> Double {
        let words = Philox.block(
            counter: SIMD4(
                UInt32(truncatingIfNeeded: column), UInt32(truncatingIfNeeded: column >> 32), row, purpose.rawValue),
            key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
        return Double((UInt64(words.y) << 32 | UInt64(words.x)) >> 11) * 0x1p-53
    }
}

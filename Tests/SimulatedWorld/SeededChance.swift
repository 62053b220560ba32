/// Chance from a seed, the same everywhere (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
struct SeededChance: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64, stream: UInt64 = 0) {
        state = seed &* 0xD134_2543_DE82_EF95 &+ stream &* 0x2545_F491_4F6C_DD1D
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// Uniform in 0..<1.
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// True with this probability.
    mutating func happens(_ probability: Double) -> Bool { uniform() < probability }

    /// A whole number below the limit; 0 where there is none.
    mutating func below(_ limit: Int) -> Int { limit <= 0 ? 0 : Int(next() % UInt64(limit)) }

    /// Any bytes.
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

    /// How many of `trials` happen.
    mutating func count(of trials: Int, rate: Double) -> Int {
        var happened = 0
        for _ in 0..<trials where uniform() < rate { happened += 1 }
        return happened
    }
}

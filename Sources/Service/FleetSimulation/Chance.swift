/// Chance for simulations: quick and seeded (SplitMix64), apart from the generator that the judge uses.
public struct Chance: Sendable {
    private var state: UInt64

    /// Starts a stream of its own for each pair of seed and number.
    public init(seed: UInt64, stream: UInt64) {
        state = seed &* 0xD134_2543_DE82_EF95 &+ stream &* 0x2545_F491_4F6C_DD1D
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number in 0 ..< 1.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// How many of `trials` happen.
    public mutating func count(_ trials: Int, rate: Double) -> Int {
        var happened = 0
        for _ in 0..<trials where uniform() < rate { happened += 1 }
        return happened
    }
}

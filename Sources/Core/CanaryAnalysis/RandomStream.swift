/// Random numbers in sequence, from one key and one place on.
public struct RandomStream: RandomNumberGenerator, Sendable {
    private let generator: Philox
    private let lane: (UInt32, UInt32)
    private var next32: UInt64 = 0
    private var block = Philox.Block(0, 0, 0, 0)

    /// Makes the stream of a key and a lane; different lanes are independent.
    public init(key: UInt64, lane: UInt64 = 0) {
        generator = Philox(key: key)
        self.lane = (UInt32(truncatingIfNeeded: lane), UInt32(truncatingIfNeeded: lane >> 32))
    }

    /// 32 random bits.
    public mutating func word() -> UInt32 {
        let place = Int(next32 % 4)
        if place == 0 {
            let index = next32 / 4
            block = generator.block(
                at: Philox.Block(
                    UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32), lane.0, lane.1))
        }
        next32 += 1
        switch place {
        case 0: return block.words.0
        case 1: return block.words.1
        case 2: return block.words.2
        default: return block.words.3
        }
    }

    /// 64 random bits.
    public mutating func next() -> UInt64 {
        UInt64(word()) << 32 | UInt64(word())
    }

    /// An unbiased number in `0..<bound`; 0 for a bound of 0 or 1.
    ///
    /// Source: Lemire, "Fast random integer generation in an interval" (2019).
    public mutating func below(_ bound: UInt32) -> UInt32 {
        guard bound > 1 else { return 0 }
        var product = UInt64(word()) &* UInt64(bound)
        if UInt32(truncatingIfNeeded: product) < bound {
            let least = (0 &- bound) % bound
            while UInt32(truncatingIfNeeded: product) < least {
                product = UInt64(word()) &* UInt64(bound)
            }
        }
        return UInt32(truncatingIfNeeded: product >> 32)
    }

    /// A number in `0..<1`, a multiple of 2^-53.
    public mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Puts the elements into random order, every order equally likely.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        guard elements.count > 1 else { return }
        for place in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(place, Int(below(UInt32(place + 1))))
        }
    }
}

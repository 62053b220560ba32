/// Philox 4x32-10: a counter-based random function.
///
/// The same key and counter give the same words on every machine.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011; test vectors of
/// Random123.
public enum Philox {
    /// The four words of one block.
    ///
    /// - Parameters:
    ///   - counter: which block, as four words.
    ///   - key: which sequence, as two words.
    public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var words = counter
        var key = key
        for round in 0..<10 {
            if round > 0 { key = key &+ SIMD2(0x9E37_79B9, 0xBB67_AE85) }
            let first = UInt64(words.x) * 0xD251_1F53
            let second = UInt64(words.z) * 0xCD9E_8D57
            words = SIMD4(
                UInt32(truncatingIfNeeded: second >> 32) ^ words.y ^ key.x, UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ words.w ^ key.y, UInt32(truncatingIfNeeded: first))
        }
        return words
    }
}

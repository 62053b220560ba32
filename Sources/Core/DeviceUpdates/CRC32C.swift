/// The CRC-32C checksum (Castagnoli): finds torn and damaged records, not forgeries.
///
/// Source: RFC 3720, appendix B.4 (reflected polynomial 0x82F63B78).
public enum CRC32C {
    /// The checksum of the bytes.
    ///
    /// - Complexity: O(n), one table lookup per byte.
    public static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var remainder = UInt32.max
        for byte in bytes {
            remainder = table[Int(UInt8(truncatingIfNeeded: remainder) ^ byte)] ^ (remainder >> 8)
        }
        return ~remainder
    }

    private static let table: [UInt32] = (0..<256).map { index in
        var value = UInt32(index)
        for _ in 0..<8 {
            value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1
        }
        return value
    }
}

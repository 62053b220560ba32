extension [UInt8] {
    /// The decimal number written at some place, such as `12`, `-0.5` or `1e-3`; nil for anything else.
    ///
    /// Source: Clinger, "How to Read Floating Point Numbers Accurately", 1990: digits below 2^53 over a power of ten
    /// up to 22 are exact. Others go through the standard library.
    func number(at range: Range<Int>) -> Double? {
        var place = range.lowerBound
        let end = range.upperBound
        guard place < end else { return nil }
        let isNegative = self[place] == UInt8(ascii: "-")
        if isNegative || self[place] == UInt8(ascii: "+") { place += 1 }
        var digits: UInt64 = 0
        var count = 0
        var scale = 0
        var hasPoint = false
        while place < end {
            let byte = self[place]
            if byte >= 0x30, byte <= 0x39 {
                guard count < 18 else { return slowNumber(at: range) }
                digits = digits &* 10 &+ UInt64(byte &- 0x30)
                count += 1
                if hasPoint { scale -= 1 }
            } else if byte == UInt8(ascii: "."), !hasPoint {
                hasPoint = true
            } else {
                return slowNumber(at: range)
            }
            place += 1
        }
        guard count > 0 else { return nil }
        guard digits < 1 << 53 else { return slowNumber(at: range) }
        let value = scale == 0 ? Double(digits) : Double(digits) / Self.powersOfTen[-scale]
        return isNegative ? -value : value
    }

    private static let powersOfTen = (0..<19).map { power in (0..<power).reduce(1.0) { value, _ in value * 10 } }

    /// Exponents and long numbers; hexadecimal, infinity and not-a-number are refused.
    private func slowNumber(at range: Range<Int>) -> Double? {
        let allowed = Set("0123456789+-.eE".utf8)
        guard range.count < 64, self[range].allSatisfy(allowed.contains) else { return nil }
        guard let value = Double(String(decoding: self[range], as: UTF8.self)), value.isFinite else { return nil }
        return value
    }
}

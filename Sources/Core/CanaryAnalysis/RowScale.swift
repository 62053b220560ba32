import RealModule

/// A row's sums on a scale that all rows share: -ln of their tail once mean, spread and skewness are taken out.
///
/// The scale is tabulated between the smallest and the largest sum and read off straight between the entries: the same
/// increasing function for the observed assignment and all others, which is all that the test needs.
struct RowScale {
    private static let steps = 256

    private let mean: Double
    private let deviation: Double
    private let skewness: Double
    private let smallest: Double
    private let stepsPerUnit: Double
    private let table: [Double]

    /// Nil where every assignment has the same sum.
    init?(_ sums: [Int64]) {
        guard let first = sums.first else { return nil }
        var (low, high) = (first, first)
        var (total, squares, cubes) = (0.0, 0.0, 0.0)
        for sum in sums {
            if sum < low { low = sum }
            if sum > high { high = sum }
            let difference = Double(sum &- first)
            let square = difference * difference
            total += difference
            squares += square
            cubes += square * difference
        }
        guard low < high else { return nil }
        let count = Double(sums.count)
        let center = total / count
        let variance = squares / count - center * center
        mean = center + Double(first)
        deviation = Double.sqrt(variance)
        skewness =
            (cubes / count - 3 * center * squares / count + 2 * center * center * center) / (variance * deviation)
        smallest = Double(low)
        let range = Double(high) - smallest
        stepsPerUnit = Double(Self.steps) / range
        let (mean, deviation, skewness, smallest) = (mean, deviation, skewness, smallest)
        table = (0...(Self.steps + 1)).map { step in
            let sum = smallest + range * Double(step) / Double(Self.steps)
            return NormalTail.minusLogUpper(
                NormalTail.withoutSkewness((sum - mean) / deviation, skewness: skewness))
        }
    }

    /// Standard deviations from the mean.
    func standardised(_ sum: Int64) -> Double { (Double(sum) - mean) / deviation }

    /// -ln of the share of assignments that are expected to have a larger sum.
    func evidence(_ sum: Int64) -> Double {
        let position = (Double(sum) - smallest) * stepsPerUnit
        let step = Int(position)
        return table[step] + (table[step + 1] - table[step]) * (position - Double(step))
    }

    /// The same for a smaller sum.
    func evidenceBelow(_ sum: Int64) -> Double {
        NormalTail.minusLogUpper(-NormalTail.withoutSkewness(standardised(sum), skewness: skewness))
    }
}

/// Many tests at once.
public enum Holm {
    /// The p-values adjusted so that the chance of any wrong one among all is held.
    ///
    /// Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.
    public static func adjusted(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
        var adjusted = values
        var largest = 0.0
        for (rank, index) in order.enumerated() {
            largest = max(largest, min(1, Double(values.count - rank) * values[index]))
            adjusted[index] = largest
        }
        return adjusted
    }
}

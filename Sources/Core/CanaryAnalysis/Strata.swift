/// The strata of a draw: groups of like devices, coarse enough to hold a canary.
enum Strata {
    /// A stratum of fewer devices merges into the next coarser one.
    static let leastDevices = 20

    /// The stratum of each candidate: site and hardware, else hardware, else all.
    ///
    /// A stratum that expects less than one canary or is too small merges into the next coarser one.
    static func names(_ candidates: [CohortCandidate], size: Int) -> [String] {
        var names = [String](repeating: "all", count: candidates.count)
        guard !candidates.isEmpty else { return names }
        let share = Double(size) / Double(candidates.count)
        var open = Array(candidates.indices)
        let levels: [(CohortCandidate) -> String] = [
            { "site=\($0.site),hardware=\($0.hardware)" }, { "hardware=\($0.hardware)" },
        ]
        for level in levels {
            let groups = Dictionary(grouping: open) { level(candidates[$0]) }
            let kept = groups.filter { Double($0.value.count) * share >= 1 && $0.value.count >= leastDevices }
            for (name, members) in kept {
                for index in members { names[index] = name }
            }
            open = open.filter { names[$0] == "all" }
        }
        return names
    }

    /// Spreads a size over groups in proportion to their counts: floors first, then the largest remainders, equal
    /// remainders by the smaller tie number.
    static func quotas(size: Int, counts: [Int], ties: [UInt64]) -> [Int] {
        let total = counts.reduce(0, +)
        guard total > 0 else { return counts.map { _ in 0 } }
        // Whole numbers: quota and remainder of size * count / total, without rounding errors.
        var quotas = counts.map { size * $0 / total }
        let remainders = counts.map { size * $0 % total }
        let order = counts.indices.sorted {
            (remainders[$1], ties[$0], $0) < (remainders[$0], ties[$1], $1)
        }
        for index in order.prefix(size - quotas.reduce(0, +)) {
            quotas[index] += 1
        }
        return quotas
    }
}

import RealModule

/// How far devices differ beyond what chance and their expectations explain: the variance of a device's factor.
///
/// Every arm is held against its own mean, so that a harm all canaries share does not pass for difference between
/// devices. Nothing is left out: one device that strays says that others may. What is known of few failures is little,
/// so the estimate is raised by its own standard error, and comes down as more is counted.
enum DeviceSpread {
    /// It is at least this, whatever was counted: devices that differ by a fifth from one day to the next.
    static let smallest = 0.04

    /// The estimate by moments; infinite where nothing is known.
    ///
    /// - Parameters:
    ///   - observed: the failures of every unit.
    ///   - expected: what is expected of it.
    ///   - isCanary: its arm.
    static func estimate(observed: [Double], expected: [Double], isCanary: [Bool]) -> Double {
        var excesses: [(excess: Double, square: Double)] = []
        var chance = 0.0
        for arm in [true, false] {
            let members = expected.indices.filter { isCanary[$0] == arm && expected[$0] > 0 }
            let whole = members.reduce(0) { $0 + expected[$1] }
            guard members.count > 1, whole > 0 else { continue }
            let level = members.reduce(0) { $0 + observed[$1] } / whole
            let correction = Double(members.count) / Double(members.count - 1)
            for index in members {
                let mean = level * expected[index]
                let residual = observed[index] - mean
                excesses.append((residual * residual * correction - mean, mean * mean))
                chance += 2 * mean * mean + mean
            }
        }
        let squares = excesses.reduce(0) { $0 + $1.square }
        guard squares > 0 else { return .infinity }
        let spread = excesses.reduce(0) { $0 + $1.excess } / squares
        let scatter = excesses.reduce(0) { sum, one in
            let rest = one.excess - spread * one.square
            return sum + rest * rest
        }
        return max(smallest, spread + Double.sqrt(max(scatter, chance)) / squares)
    }
}

/// The last draw of a rollout: who of the devices that no step drew stays on the old version while the rollout is
/// watched, and so is what the others are compared with.
///
/// It is drawn like a cohort, because the last devices by name, or those that were away, are not like the others.
public struct HoldbackDraw: Hashable, Sendable {
    /// More than this share of all devices is not held back for the sake of the test, in 0...1; a policy may ask for
    /// more.
    public static let largestRaise = 0.1

    /// The stratum of each candidate, counted from 0, in the order the candidates were given.
    public let strata: [Int]
    /// Whether each candidate stays behind, in the same order.
    public let isHeld: [Bool]

    /// How many stay behind.
    public var held: Int { isHeld.count { $0 } }

    /// Draws a policy's share of all devices, rounded down, and more where a test over so few could never decide; whole
    /// units where candidates have any, which hold about as many devices.
    ///
    /// - Parameters:
    ///   - candidates: the devices that no step drew, in a fixed order.
    ///   - devices: how many devices there are in all.
    ///   - share: the share of them to be held back, in 0...1.
    ///   - level: what the test may spend, in 0...1: one over the number of possible draws must not be more.
    ///   - seed: the rollout's salt.
    ///   - step: the number of the draw, so that each draws afresh.
    /// - Returns: nil where no holdback of a bearable size could decide anything.
    public init?(candidates: [Candidate], of devices: Int, share: Double, level: Double, seed: UInt64, step: Int) {
        guard let sizes = Self.sizes(listed: candidates.count, of: devices, share: share) else { return nil }
        let units = Units(candidates.map(\.unit))
        for held in sizes {
            // How many draws there are depends on numbers alone, not on who is drawn: choosing by it biases nothing.
            let draw = CohortDraw(candidates: candidates, size: held, seed: seed, step: step)
            let possible = Assignments.possible(
                isMember: units?.firsts(draw.isDrawn) ?? draw.isDrawn, strata: units?.firsts(draw.strata) ?? draw.strata
            )
            guard level * possible >= 1 else { continue }
            strata = draw.strata
            isHeld = draw.isDrawn
            return
        }
        return nil
    }

    /// How many devices would stay behind, by numbers alone; nil where no such draw could decide anything.
    ///
    /// - Parameters:
    ///   - listed: devices that no step drew.
    ///   - units: how many units they are.
    ///   - devices: how many devices there are in all.
    ///   - share: the share of them to be held back, in 0...1.
    ///   - level: what the test may spend, in 0...1.
    public static func held(listed: Int, units: Int, of devices: Int, share: Double, level: Double) -> Int? {
        sizes(listed: listed, of: devices, share: share)?.first { held in
            let heldUnits = Units.count(bringing: held, of: listed, in: units)
            return level * ForecastStep.possible(units, heldUnits) >= 1
        }
    }

    /// From the policy's share to the largest that is bearable; nil where there is nobody to choose from.
    private static func sizes(listed: Int, of devices: Int, share: Double) -> ClosedRange<Int>? {
        guard share > 0, listed > 1 else { return nil }
        let least = min(max(1, Int(share * Double(devices))), listed - 1)
        return least...max(least, min(listed / 2, Int((largestRaise * Double(devices)).rounded(.up))))
    }
}

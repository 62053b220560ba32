/// How much worse than the baseline is tolerated.
public enum Margin: Codable, Hashable, Sendable {
    /// So many times the failures, above 1.
    case relative(Double)
    /// So much larger a share of failures, in 0...1.
    case absolute(Double)
}

extension Margin {
    /// Whether a harm is at least halfway from none to this margin: enough to matter.
    ///
    /// - Parameters:
    ///   - ratio: how many times the expected failures there were.
    ///   - excess: the share of requests that failed beyond the expected share.
    ///   - certainty: the part of the estimate that counts, in 0...1.
    func isHalfReached(ratio: Double, excess: Double, certainty: Double = 1) -> Bool {
        switch self {
        case .relative(let factor): certainty * (ratio - 1) >= (factor - 1) / 2
        case .absolute(let share): certainty * excess >= share / 2
        }
    }

    /// How many times what is expected of it a canary fails, if its version changes nothing and the measurements were
    /// shifted to the edge of this margin.
    ///
    /// Expectations follow the level of the whole list, and the canaries are a part of it: thinned to four fifths,
    /// a few canaries fail 0.8 times as often as the list; nine tenths of the list 0.98 times. A likelihood of the
    /// wrong ratio holds against them that they do not fail even less, and saturates on both arms.
    ///
    /// Whoever the canaries are, it is the same: it depends on how many they are, and on what the whole list measured.
    ///
    /// - Parameters:
    ///   - part: the canaries' part of the list, above 0 and below 1.
    ///   - level: the share of failures in the whole list, shifted to the edge of this margin, in 0...1.
    func unharmedRatio(part: Double, level: Double) -> Double {
        switch self {
        case .relative(let factor):
            return 1 / (factor * (1 - part) + part)
        case .absolute(let share):
            // Of the successes of all but the canaries, a share was turned to failures.
            let turned = (1 - part) * share
            let own = (level - turned) / (1 - turned)
            return level > 0 ? max(Self.smallestRatio, own / level) : Self.smallestRatio
        }
    }

    /// Less is no better told apart, and its logarithm stays within bounds.
    private static let smallestRatio = 0.05
}

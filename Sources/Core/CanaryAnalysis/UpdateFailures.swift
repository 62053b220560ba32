import RealModule

/// Failed updates have no counterpart in the comparison: a bet on "at most 2 % of updates fail" judges them.
///
/// Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024; a mixture over
/// three alternatives.
struct UpdateFailures: Sendable {
    /// The share of updates that may fail.
    static let toleratedShare = 0.02

    private(set) var failed = 0
    private(set) var succeeded = 0

    /// How strong the evidence is that more fail than tolerated, as -ln of the chance of such a bet's gain.
    var evidence: Double {
        let tolerated = Self.toleratedShare
        let gains = [2.0, 5.0, 10.0].map { factor in
            let share = factor * tolerated
            return Double.exp(
                Double(failed) * Double.log(share / tolerated)
                    + Double(succeeded) * Double.log((1 - share) / (1 - tolerated)))
        }
        return Double.log(gains.reduce(0, +) / 3)
    }

    /// The plain rule that halts at once: one of at most five, else at least two and more than 10 %.
    func isTooMany(of commanded: Int) -> Bool {
        commanded <= 5 ? failed >= 1 : failed >= 2 && Double(failed) > 0.1 * Double(commanded)
    }

    mutating func count(failed: Int, succeeded: Int) {
        self.failed = failed
        self.succeeded = succeeded
    }
}

import Testing

@testable import CanaryAnalysis

@Suite struct UpdateFailuresTests {
    private func counted(failed: Int, succeeded: Int) -> UpdateFailures {
        var updates = UpdateFailures()
        updates.count(failed: failed, succeeded: succeeded)
        return updates
    }

    @Test(
        "one of at most five halts, else at least two and more than a tenth",
        arguments: [
            (0, 5, false), (1, 5, true), (1, 8, false), (2, 8, true), (2, 20, false), (3, 20, true), (5, 50, false),
            (6, 50, true),
        ])
    func plainRule(failed: Int, commanded: Int, halts: Bool) {
        #expect(counted(failed: failed, succeeded: commanded - failed).isTooMany(of: commanded) == halts)
    }

    /// Source: the bet's formula by Python: ln of the mean over q of (q / p)^failed ((1 - q) / (1 - p))^succeeded.
    @Test("the bet follows its formula", arguments: [(0, 0, 0.0), (3, 47, 0.586_183), (8, 92, 4.168_249)])
    func bet(failed: Int, succeeded: Int, evidence: Double) {
        #expect(abs(counted(failed: failed, succeeded: succeeded).evidence - evidence) < 1e-5)
    }

    @Test("success after success is no evidence of failing, failure after failure is")
    func direction() {
        #expect(counted(failed: 0, succeeded: 1_000).evidence < 0)
        #expect(counted(failed: 100, succeeded: 0).evidence > 100)
    }
}

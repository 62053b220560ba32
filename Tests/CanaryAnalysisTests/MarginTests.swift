import Testing

@testable import CanaryAnalysis

/// What is enough to matter.
@Suite struct MarginTests {
    @Test("harm matters from halfway to the tolerance on, by what of its estimate is certain")
    func halfway() {
        let relative = Margin.relative(1.25)
        #expect(relative.isHalfReached(ratio: 1.125, excess: 0))
        #expect(!relative.isHalfReached(ratio: 1.124, excess: 1))
        #expect(!relative.isHalfReached(ratio: 1.16, excess: 1, certainty: 0.75))
        #expect(relative.isHalfReached(ratio: 1.17, excess: 0, certainty: 0.75))
        let absolute = Margin.absolute(0.02)
        #expect(absolute.isHalfReached(ratio: 1, excess: 0.01))
        #expect(!absolute.isHalfReached(ratio: 9, excess: 0.009))
        #expect(!absolute.isHalfReached(ratio: 9, excess: 0.019, certainty: 0.5))
        #expect(absolute.isHalfReached(ratio: 1, excess: 0.021, certainty: 0.5))
    }
}

import JudgeBenchmark
import Testing

@Suite struct HolmTests {
    /// R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
    @Test("values are adjusted as by Holm")
    func holm() {
        let adjusted = Holm.adjusted([0.01, 0.04, 0.03, 0.005])
        for (value, expected) in zip(adjusted, [0.03, 0.06, 0.06, 0.02]) { #expect(abs(value - expected) < 1e-12) }
        #expect(Holm.adjusted([0.9, 0.8]) == [1, 1])
        #expect(Holm.adjusted([]).isEmpty)
    }
}

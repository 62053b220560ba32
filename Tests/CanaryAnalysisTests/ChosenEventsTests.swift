import Testing

@testable import CanaryAnalysis

@Suite struct ChosenEventsTests {
    @Test("as many are chosen as the probability says", arguments: [0.002, 0.2, 0.9])
    func share(probability: Double) {
        var events = ChosenEvents(probability: probability, devices: 1, seed: 7, stream: 0)
        let chosen = (0..<10_000).reduce(0.0) { sum, _ in sum + events.count(among: 10, of: 0) }
        let deviation = (100_000 * probability * (1 - probability)).squareRoot()
        #expect(abs(chosen - 100_000 * probability) < 4 * deviation, "\(chosen)")
    }

    @Test("counting in one piece or in many chooses the same events")
    func split() {
        var whole = ChosenEvents(probability: 0.3, devices: 3, seed: 7, stream: 2)
        var parts = whole
        #expect(whole.count(among: 50, of: 1) == (0..<50).reduce(0.0) { sum, _ in sum + parts.count(among: 1, of: 1) })
        #expect(whole.count(among: 17, of: 1) == parts.count(among: 9, of: 1) + parts.count(among: 8, of: 1))
    }

    @Test("devices and metrics have random numbers of their own")
    func independent() {
        func pattern(_ device: Int, stream: UInt32) -> [Double] {
            var events = ChosenEvents(probability: 0.5, devices: 2, seed: 7, stream: stream)
            return (0..<64).map { _ in events.count(among: 1, of: device) }
        }
        #expect(Set([pattern(0, stream: 0), pattern(1, stream: 0), pattern(0, stream: 1)]).count == 3)
    }

    @Test("nothing and everything")
    func edges() {
        var none = ChosenEvents(probability: 0, devices: 1, seed: 7, stream: 0)
        var all = ChosenEvents(probability: 1, devices: 1, seed: 7, stream: 0)
        #expect(none.count(among: 1e9, of: 0) == 0)
        #expect(all.count(among: 12, of: 0) == 12)
    }
}

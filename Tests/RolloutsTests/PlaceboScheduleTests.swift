import Fleet
import Rollouts
import Testing

@Suite struct PlaceboScheduleTests {
    private let weekly = PlaceboSchedule(everyHours: 168)
    private let week = 168 * 3600.0

    private func at(_ seconds: Double) -> Timestamp { Timestamp(milliseconds: Int64(seconds * 1000)) }

    /// The hours of the week, from 0, at which placebo rollouts start in so many weeks.
    private func starts(weeks: Int, key: UInt64, _ schedule: PlaceboSchedule) -> [Int] {
        var last: Timestamp?
        var hours: [Int] = []
        for hour in 0..<(168 * weeks) {
            let now = at(Double(hour) * 3600)
            guard schedule.isDue(at: now, after: last, key: key) else { continue }
            last = now
            hours.append(hour)
        }
        return hours
    }

    @Test("every period has one placebo rollout, at an hour of its own")
    func oncePerPeriod() {
        let hours = starts(weeks: 50, key: 7, weekly)
        #expect(hours.map { $0 / 168 } == Array(0..<50) || hours.map { ($0 - 1) / 168 } == Array(0..<50))
        let inWeek = hours.map { $0 % 168 }
        #expect(Set(inWeek).count > 30, "the hours differ: \(inWeek)")
        let mean = Double(inWeek.reduce(0, +)) / 50
        #expect(abs(mean - 84) < 5 * 168 / (12 * 50.0).squareRoot(), "and are spread evenly")
    }

    @Test("another key has other moments; the same key the same")
    func key() {
        #expect(starts(weeks: 10, key: 7, weekly) == starts(weeks: 10, key: 7, weekly))
        #expect(starts(weeks: 10, key: 7, weekly) != starts(weeks: 10, key: 8, weekly))
    }

    @Test("a moment that was missed is made up for, once")
    func missed() {
        let end = at(week - 1)
        #expect(weekly.isDue(at: end, after: nil, key: 7))
        #expect(!weekly.isDue(at: end, after: at(week - 3600), key: 7))
        #expect(weekly.isDue(at: at(2 * week - 1), after: at(week - 3600), key: 7))
    }

    @Test("a period outside its bounds is refused and never due", arguments: [0, 0.5, -1, 8761, .nan, .infinity])
    func bounds(hours: Double) {
        let odd = PlaceboSchedule(everyHours: hours)
        #expect(odd.faults.map(\.field) == ["placebo.everyHours"])
        #expect(!odd.isDue(at: at(1e9), after: nil, key: 7))
        #expect(weekly.faults.isEmpty)
    }
}

@Suite struct PlaceboRecordTests {
    @Test("the rate is that of those which came to an end of their own, with its exact interval")
    func rate() throws {
        let outcomes: [Placebo.Outcome] =
            Array(repeating: .passed, count: 7) + [.falseRollback, .undecided, .falseHalt, .superseded]
        let record = PlaceboRecord(try DeploymentName("digits"), outcomes: outcomes, allowed: 0.004)
        #expect(record.judged == 10 && record.passed == 7 && record.superseded == 1)
        #expect(record.rate == 0.1)
        // R: binom.test(1, 10)$conf.int.
        #expect(abs(try #require(record.rateLower) - 0.002_528_58) < 1e-6)
        #expect(abs(try #require(record.rateUpper) - 0.445_016_1) < 1e-6)
    }

    @Test("nothing that was judged has no rate")
    func none() throws {
        let record = PlaceboRecord(try DeploymentName("digits"), outcomes: [.superseded], allowed: 0.004)
        #expect(record.judged == 0 && record.rate == nil && record.rateLower == nil && record.rateUpper == nil)
    }

    @Test("what a placebo may spend by its deadline is a part of the first step's share")
    func allowed() throws {
        let policy = Policy(name: try PolicyName("p"), errorBudget: 0.01)
        #expect(policy.placeboErrorShare > 0.002 && policy.placeboErrorShare <= 0.0045)
    }
}

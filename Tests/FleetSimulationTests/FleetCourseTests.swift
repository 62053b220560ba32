import CanaryAnalysis
import FleetSimulation
import RealModule
import RecordedFleets
import Testing

@Suite struct FleetCourseTests {
    static func fleet(_ change: (inout SimulatedFleet) -> Void = { _ in }) -> SimulatedFleet {
        var fleet = SimulatedFleet()
        fleet.devices = 400
        change(&fleet)
        return fleet
    }

    static let fleets: [SimulatedFleet] = [
        fleet(),
        fleet {
            $0.diversity = .beta(shape: 1)
            $0.weather = .rough
            $0.measures = .twelve
            $0.connections.lost = 0.05
            $0.connections.away = 0.15
            $0.exposure = .slow(share: 0.3)
        },
    ]

    @Test("the same fleet and seed give the same rows, another seed gives others", arguments: fleets)
    func seeded(fleet: SimulatedFleet) {
        func rows(_ seed: UInt64) -> [[RecordedRow]] {
            var course = FleetCourse(fleet, seed: seed)
            course.command(Array(0..<20))
            return (0..<20).map { _ in course.endTick() }
        }
        #expect(rows(3) == rows(3))
        #expect(rows(3) != rows(4))
    }

    @Test("failures are as frequent as the fleet's rate, before and during the rollout")
    func rates() {
        var course = FleetCourse(Self.fleet(), seed: 8)
        var requests = 0.0
        var failures = 0.0
        for history in course.histories {
            requests += history.requests
            failures += history.failures
        }
        #expect(abs(failures - 0.01 * requests) < 4 * Double.sqrt(0.01 * requests))
        #expect(abs(requests - 400 * 28_800) < 4 * Double.sqrt(400 * 28_800.0))
        (requests, failures) = (0, 0)
        for _ in 0..<60 {
            for row in course.endTick() {
                requests += row.measurements.requests
                failures += row.measurements.failures
            }
        }
        #expect(abs(failures - 0.01 * requests) < 4 * Double.sqrt(0.01 * requests))
    }

    @Test("devices of a diverse fleet differ as the beta distribution says")
    func diversity() {
        let course = FleetCourse(
            Self.fleet {
                $0.diversity = .beta(shape: 1)
                $0.devices = 4_000
            }, seed: 2)
        let rates = course.devices.map(\.pastRate)
        let mean = rates.reduce(0, +) / 4_000
        let deviation = Double.sqrt(rates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4_000)
        #expect(abs(mean - 0.01) < 4 * 0.01 / Double.sqrt(4_000))
        #expect(abs(deviation / mean - 1) < 0.1)
    }

    @Test("a version harms whom it should, from when it should, as often as it should")
    func harm() {
        let fleet = Self.fleet {
            $0.version.failureRatio = 5
            $0.version.beginsAtSeconds = 600
            $0.hardware = 4
            $0.version.bearers = .firstHardware
        }
        var course = FleetCourse(fleet, seed: 6)
        course.command(Array(0..<200))
        var counted: [String: Tally] = [:]
        for _ in 0..<60 {
            let rows = course.endTick()
            for row in rows {
                let isLate = course.now > 660
                let isBearer = course.devices[row.device].hardware == "hw0" && row.device < 200
                counted["\(isLate) \(isBearer)", default: Tally()] +=
                    Tally(count: row.measurements.requests, total: row.measurements.failures)
            }
        }
        for (name, tally) in counted {
            let rate = name == "true true" ? 0.05 : 0.01
            // The tick in which harm begins is neither.
            let slack = name == "false true" ? 0.03 * tally.count : 0
            #expect(abs(tally.total - rate * tally.count) < 4 * Double.sqrt(rate * tally.count) + slack)
        }
        #expect(counted.count == 4)
    }

    @Test("what a lost heartbeat counted comes with the next one")
    func lost() {
        var course = FleetCourse(Self.fleet { $0.connections.lost = 0.2 }, seed: 9)
        var requests = 0.0
        var rows = 0
        for _ in 0..<50 {
            for row in course.endTick() {
                rows += 1
                requests += row.measurements.requests
            }
        }
        #expect(abs(Double(rows) - 0.8 * 20_000) < 4 * Double.sqrt(20_000 * 0.16))
        // A device whose last heartbeat was lost still holds what it counted: a quarter of an interval on average.
        #expect(abs(requests - 200_000 + 0.25 * 4_000) < 4 * Double.sqrt(200_000.0) + 400)
    }

    @Test("15 % of devices are away at any time, and those away for long are not known")
    func away() {
        var course = FleetCourse(
            Self.fleet {
                $0.devices = 2_000
                $0.connections.away = 0.15
            }, seed: 4)
        for _ in 0..<40 { _ = course.endTick() }
        let heard = course.endTick().count
        #expect(abs(Double(heard) - 0.85 * 2_000) < 4 * Double.sqrt(2_000 * 0.15 * 0.85))
        let unknown = (0..<2_000).count { !course.isKnown($0) }
        #expect(unknown > 40 && unknown < 200)
    }

    @Test("canaries that die in the swap, or fall silent, are not heard again")
    func silence() {
        var course = FleetCourse(
            Self.fleet {
                $0.version.silentShare = 0.5
                $0.version.silentWithinSeconds = 300
            }, seed: 12)
        course.command(Array(0..<100))
        for _ in 0..<11 { _ = course.endTick() }
        let heard = Set(course.endTick().map(\.device))
        let silent = (0..<100).count { !heard.contains($0) }
        #expect(abs(Double(silent) - 50) < 4 * 5)
        #expect((100..<400).allSatisfy(heard.contains))
    }

    @Test("exposure follows its rule", arguments: [Exposure.atOnce, .slow(share: 1), .late, .atRestart, .whenQuiet])
    func exposure(rule: Exposure) {
        var course = FleetCourse(Self.fleet { $0.exposure = rule }, seed: 7)
        course.command(Array(0..<200))
        for _ in 0..<120 { _ = course.endTick() }
        let times = (0..<200).map { course.exposedAt[$0] }.sorted()
        switch rule {
        case .atOnce: #expect(times[0] >= 3 && times[199] <= 15)
        case .slow: #expect(times[0] >= 120 && times[199] <= 360)
        case .late: #expect(times[0] >= 45 && times[199] <= 120)
        case .atRestart, .whenQuiet: #expect(times[100] > 60 && times[100] < 2_400)
        }
        #expect((200..<400).allSatisfy { course.exposedAt[$0] == .infinity })
    }

    @Test("rows are of the new version alone from the interval after the exposure on")
    func newVersion() {
        var course = FleetCourse(Self.fleet(), seed: 7)
        course.command([5])
        _ = course.endTick()
        #expect(!course.isNew[5])
        _ = course.endTick()
        #expect(course.isNew[5] && !course.isNew[6])
    }

    @Test("latencies and means have the moments they are given")
    func measures() {
        var course = FleetCourse(Self.fleet { $0.measures = .twelve }, seed: 3)
        #expect(course.names.means.count == 8)
        var whole = Measurements()
        for history in course.histories { whole += history }
        let confidence = (whole.means[0].mean ?? 0) - 0.8
        #expect(abs(confidence) < 4 * 0.05 / Double.sqrt(400))
        // The fleet's median latency lies in the bucket of 0.08 s.
        let below = zip(course.names.latencyBounds, whole.latency).filter { $0.0 < 0.08 }.reduce(0) { $0 + $1.1 }
        #expect(below / whole.requests > 0.35 && below / whole.requests < 0.5)
        #expect(whole.latency.reduce(0, +) == whole.requests)
        let row = course.endTick()[0].measurements
        #expect(row.latency.reduce(0, +) == row.requests)
    }
}

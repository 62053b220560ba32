import DeviceUpdates
import Fleet
import ModelTrust
import Synchronization
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// Every state of the agent with every fault that can meet it there; expectations come from the state machine.
struct FaultMatrix {
    private(set) var cases: [FaultCase] = []

    init() throws {
        for track in FaultTrack.allCases {
            let bench = try FaultBench(track)
            try addWrites(bench)
            addClocks(bench)
            addNetwork(bench)
            try addFullStarts(bench)
            try addCrashLoops(bench)
        }
        try addErrors()
    }

    mutating func append(_ one: FaultCase) { cases.append(one) }

    // MARK: - At every durable write

    /// A kill before and after each durable write; a write that fails; a write that finds no room.
    private mutating func addWrites(_ bench: FaultBench) throws {
        for count in 0...bench.moments.count {
            let state = try bench.record(after: count).state.word
            var expected = Prediction(bench)
            expected.goOn(until: bench.transitions(within: count))
            if expected.machine.state.attempt != nil { expected.feed(.agentStarted(try bench.local(after: count))) }
            expected.goOn()
            cases.append(
                FaultCase(bench: bench, state: state, fault: "killed between writes", expected: expected) {
                    $0.disk.setBudget(count)
                })
        }
        for number in (bench.begin + 1)...bench.moments.count {
            let moment = bench.moments[number - 1]
            let state = try bench.record(after: number - 1).state.word
            add(bench, state, "write fails", at: number, isFull: false)
            let needsRoom = !moment.operation.hasPrefix("sync") && moment.operation != "remove"
            if needsRoom { add(bench, state, "disk full", at: number, isFull: true) }
        }
    }

    private mutating func add(_ bench: FaultBench, _ state: String, _ fault: String, at number: Int, isFull: Bool) {
        var expected = Prediction(bench)
        let moment = bench.moments[number - 1]
        expected.goOn(until: bench.transitions(within: number - 1))
        // The loop's own files are written again; counts and a quarantine on the way back are no part of the step.
        let isRetried = moment.path.hasPrefix("journal/") || moment.path.hasPrefix(StateLayout.assignment)
        let isForgiven =
            moment.path.hasPrefix("counters") || (state == "rollback" && moment.path.hasPrefix("quarantine/"))
            || (state == "rollback" && moment.path == "quarantine")
        if !isRetried, !isForgiven { expected.feed(.stepFailed(isFull ? .diskFull : .storageFailed)) }
        expected.goOn()
        cases.append(
            FaultCase(bench: bench, state: state, fault: fault, expected: expected) {
                $0.disk.refuse(operation: number, isFull: isFull)
            })
    }

    // MARK: - Around

    private func states(_ bench: FaultBench) -> [String] {
        var prediction = Prediction(bench)
        prediction.goOn()
        return prediction.log.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    private mutating func addClocks(_ bench: FaultBench) {
        let year = 365.0 * 86_400
        let jumps = [
            ("clock jumps ahead by a century", 100 * year), ("clock jumps back by a year", -year),
            ("clock jumps back before the order", -50 * year),
        ]
        for state in states(bench) {
            for (fault, seconds) in jumps {
                var expected = Prediction(bench)
                expected.goOn(to: state)
                let fetches = bench.track != .returning && bench.track != .promotion
                if seconds != -year, state == "check", fetches { expected.feed(.stepFailed(.assignmentExpired)) }
                expected.goOn()
                cases.append(
                    FaultCase(bench: bench, state: state, fault: fault, expected: expected) { device in
                        let clock = device.clock
                        device.whenever(in: state) { clock.jump(seconds: seconds) }
                    })
            }
        }
    }

    private mutating func addNetwork(_ bench: FaultBench) {
        for state in states(bench) {
            var expected = Prediction(bench)
            expected.goOn()
            cases.append(
                FaultCase(bench: bench, state: state, fault: "network cut for minutes", expected: expected) { device in
                    let controller = device.controller
                    device.whenever(in: state) {
                        controller.state.withLock { $0.absences = 7 }
                    }
                })
            expected = Prediction(bench)
            expected.goOn(to: state)
            let fetches = bench.track != .returning && bench.track != .promotion
            if fetches, state == "check" || state == "download" { expected.feed(.stepFailed(.downloadFailed)) }
            expected.goOn()
            cases.append(
                FaultCase(bench: bench, state: state, fault: "network cut for days", expected: expected) { device in
                    let controller = device.controller
                    device.whenever(in: state) { controller.state.withLock { $0.isAway = true } }
                })
        }
    }

    /// A start that finds no room for its journal tries again until there is some.
    private mutating func addFullStarts(_ bench: FaultBench) throws {
        for state in states(bench) where state != "idle" && state != "safe" {
            var expected = Prediction(bench)
            expected.goOn(to: state)
            expected.feed(.agentStarted(bench.local))
            expected.goOn()
            cases.append(
                FaultCase(bench: bench, state: state, fault: "killed, then disk full at the start", expected: expected)
                { device in
                    let disk = device.disk
                    device.whenever(in: state) {
                        disk.setBudget(0)
                        disk.setFull(below: "journal", times: 2)
                    }
                })
        }
    }

    /// An agent that dies again and again in the same state gives the version up, and never goes on for ever.
    private mutating func addCrashLoops(_ bench: FaultBench) throws {
        let kills = 5
        for state in states(bench) where state != "idle" && state != "safe" {
            var expected = Prediction(bench)
            for _ in 0..<kills {
                expected.goOn(to: state)
                guard expected.machine.state.word == state else { break }
                expected.feed(.agentStarted(bench.local))
            }
            expected.goOn()
            // A deployment that is cut before its swap begins again at the backup; see the kills between writes.
            guard state != "deploy" else { continue }
            cases.append(
                FaultCase(
                    bench: bench, state: state, fault: "killed \(kills) times in it", expected: expected, starts: kills
                ) { device in
                    let disk = device.disk
                    device.whenever(in: state, times: kills) { disk.setBudget(0) }
                })
        }
    }
}

import ArgumentParser
import CanaryAnalysis
import Dispatch
import FleetSimulation
import Synchronization
import Terminal

/// `edge-fleet prove`.
struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove", abstract: "How long a version takes to be proven within a tolerance, by simulation.",
        discussion: """
            Each run draws a fleet and a cohort from its seed and lets the judge look at every tick, until the step \
            advances, is rolled back, or its deadline passes. The policy is that of the demonstration.
            """)

    @Option(help: "Devices on the step's list.") var devices = 24
    @Option(help: "Devices drawn.") var canaries = 8
    @Option(help: "The share of failed requests on the old version.") var rate = 0.03
    @Option(help: "How many times as often the new version fails.") var effect = 1.0
    @Option(help: "Requests of one device in one tick.") var requests = 20
    @Option(help: "How far devices differ: their rates are within this share of the mean.") var spread = 0.3
    @Option(help: "The length of a tick, seconds.") var tickSeconds = 2.0
    @Option(help: "Ticks until the deadline.") var deadlineTicks = 150
    @Option(name: .customLong("tolerance"), help: "A tolerated ratio above 1; may be repeated.")
    var tolerances: [Double] = [1.25, 1.5, 2]
    @Option(help: "Runs for each tolerance.") var runs = 100
    @Option(help: "The first run's seed.") var seed: UInt64 = 1

    func validate() throws {
        guard canaries > 0, devices > canaries else {
            throw ValidationError("--canaries must be 1 to --devices less 1.")
        }
        guard (0...1).contains(rate), rate * effect <= 1, effect >= 0 else {
            throw ValidationError("--rate must be in 0...1, with --effect too.")
        }
        guard tolerances.allSatisfy({ $0 > 1 }) else { throw ValidationError("--tolerance must be above 1.") }
        guard runs > 0, requests > 0, deadlineTicks > 10 else {
            throw ValidationError("--runs and --requests must be above 0, --deadline-ticks above 10.")
        }
    }

    func run() {
        var table = Table([
            .init("TOLERANCE", .right), .init("PROVEN", .right), .init("MEDIAN", .right), .init("90 %", .right),
            .init("ROLLED BACK", .right), .init("UNDECIDED", .right), .init("RUNS", .right),
        ])
        for tolerance in tolerances { table.add(row(tolerance)) }
        let output = Terminal(.output, environment: [:])
        output.print(
            "\(canaries) of \(devices) devices, \(requests) requests a tick, \(Quantity.percent(rate)) failures, the "
                + "new version x\(Quantity.decimal(effect, digits: 2)); deadline \(deadlineTicks) ticks, seeds from "
                + "\(seed)")
        for line in table.lines() { output.print(line) }
    }

    private func row(_ tolerance: Double) -> [StyledText] {
        let endings = Mutex<[Ending]>([])
        DispatchQueue.concurrentPerform(iterations: runs) { run in
            let ending = Ending(step(tolerance, seed: seed &+ UInt64(run)), deadlineTicks: deadlineTicks)
            endings.withLock { $0.append(ending) }
        }
        let all = endings.withLock { $0 }
        let proven = all.compactMap(\.provenAtTick).sorted()
        func percentile(_ share: Double) -> StyledText {
            // Among all runs: a run that was not proven took longer than any that was.
            let place = Int((share * Double(runs)).rounded(.up)) - 1
            return place < proven.count
                ? StyledText(Quantity.duration(seconds: Double(proven[place]) * tickSeconds)) : "-"
        }
        return [
            StyledText("x" + Quantity.decimal(tolerance, digits: 2)), share(proven.count), percentile(0.5),
            percentile(0.9),
            share(all.count { $0 == .rolledBack }), share(all.count { $0 == .undecided }), StyledText("\(runs)"),
        ]
    }

    private func step(_ tolerance: Double, seed: UInt64) -> SimulatedStep {
        var step = SimulatedStep(
            devices: devices, canaries: canaries, newRate: rate * effect, spread: spread, seed: seed)
        step.oldRate = rate
        step.requests = requests
        step.margin = .relative(tolerance)
        step.plan.deadlineTicks = deadlineTicks
        return step
    }

    private func share(_ count: Int) -> StyledText {
        StyledText(Quantity.decimal(100 * Double(count) / Double(runs), digits: 0) + " %")
    }
}

/// How a simulated step ended.
private enum Ending: Hashable {
    case proven(tick: Int)
    case rolledBack
    case undecided

    init(_ step: SimulatedStep, deadlineTicks: Int) {
        switch step.ending(within: deadlineTicks) {
        case (let tick, .advance(isProven: true))?: self = .proven(tick: tick)
        case (_, .rollback)?: self = .rolledBack
        default: self = .undecided
        }
    }

    var provenAtTick: Int? { if case .proven(let tick) = self { tick } else { nil } }
}

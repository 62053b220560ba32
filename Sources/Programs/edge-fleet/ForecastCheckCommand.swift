import ArgumentParser
import CanaryAnalysis
import Dispatch
import FleetSimulation
import Synchronization
import Terminal

/// `edge-fleet forecast-check`.
struct ForecastCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forecast-check", abstract: "Compares forecasts with what the judge does on simulated fleets.",
        discussion: """
            For each effect: the median and the 90 % time to a rollback, and for each tolerance those to a proof for a \
            version that changes nothing, as they are forecast and as many runs of the judge have them. Each run draws \
            a fleet and a cohort from its seed.
            """)

    @Option(help: "Devices on the step's list.") var devices = 1_000
    @Option(help: "Devices drawn.") var canaries = 50
    @Option(help: "The share of failed requests on the old version.") var rate = 0.01
    @Option(help: "Requests of one device in one tick.") var requests = 10
    @Option(name: .customLong("spread"), help: "How far devices differ; may be repeated.")
    var spreads: [Double] = [0, 0.8]
    @Option(help: "Requests of history per device.") var history = 8_000
    @Option(help: "The length of a tick, seconds.") var tickSeconds = 30.0
    @Option(help: "Ticks until the deadline.") var deadlineTicks = 720
    @Option(help: "Ticks of soak.") var soakTicks = 20
    @Option(name: .customLong("effect"), help: "So many times as many failures; may be repeated.")
    var effects: [Double] = [1.25, 1.5, 2, 3]
    @Option(name: .customLong("tolerance"), help: "A tolerated ratio above 1; may be repeated.")
    var tolerances: [Double] = [1.25, 1.5]
    @Option(help: "Runs of the judge for each figure; 0 for the forecast alone.") var runs = 100
    @Option(help: "The first run's seed.") var seed: UInt64 = 1

    func validate() throws {
        guard canaries > 0, devices > canaries else {
            throw ValidationError("--canaries must be 1 to --devices less 1.")
        }
        guard runs >= 0, requests > 0, deadlineTicks > soakTicks, soakTicks > 0 else {
            throw ValidationError("--requests and --soak-ticks must be above 0, the deadline behind the soak.")
        }
        guard effects.allSatisfy({ $0 > 1 && $0 * rate <= 1 }), tolerances.allSatisfy({ $0 > 1 }) else {
            throw ValidationError("--effect and --tolerance must be above 1, and --rate times --effect at most 1.")
        }
    }

    func run() {
        let output = Terminal(.output, environment: [:])
        output.print(
            "\(canaries) of \(devices) devices, \(requests) requests a tick of "
                + "\(Quantity.duration(seconds: tickSeconds)), \(Quantity.percent(rate)) failures; deadline "
                + "\(deadlineTicks) ticks, soak \(soakTicks), \(runs) runs from seed \(seed)")
        var table = Table([
            .init("SPREAD", .right), .init("CASE"), .init("FORECAST", .right), .init("JUDGE", .right),
            .init("OFF BY", .right), .init("90 %", .right), .init("JUDGE", .right), .init("BY DEADLINE", .right),
            .init("JUDGE", .right),
        ])
        for spread in spreads {
            for effect in effects { table.add(detection(of: effect, spread: spread)) }
            for tolerance in tolerances { table.add(proof(within: tolerance, spread: spread)) }
        }
        for line in table.lines() { output.print(line) }
    }

    // MARK: - Rows

    private func detection(of effect: Double, spread: Double) -> [StyledText] {
        let step = step(effect: effect, tolerance: 1.25, spread: spread, seed: seed)
        let judged = judged { run in
            let step = self.step(effect: effect, tolerance: 1.25, spread: spread, seed: seed &+ run)
            return step.firstTick(within: deadlineTicks) { if case .rollback = $0 { true } else { false } }
        }
        return row(
            spread, "x\(Quantity.decimal(effect, digits: 2)) found", forecaster(step).detection(of: effect), judged)
    }

    private func proof(within tolerance: Double, spread: Double) -> [StyledText] {
        let step = step(effect: 1, tolerance: tolerance, spread: spread, seed: seed)
        let judged = judged { run in
            let step = self.step(effect: 1, tolerance: tolerance, spread: spread, seed: seed &+ run)
            return step.firstTick(within: deadlineTicks) { $0 == .advance(isProven: true) }
        }
        return row(
            spread, "good, x\(Quantity.decimal(tolerance, digits: 2)) tolerated", forecaster(step).proof(), judged)
    }

    private func row(
        _ spread: Double, _ name: String, _ forecast: ForecastTimes, _ judged: [Int?]
    ) -> [StyledText] {
        let judged = ForecastTimes(judged)
        func minutes(_ tick: Double?) -> StyledText {
            StyledText(tick.map { Quantity.duration(seconds: $0 * tickSeconds) } ?? "-")
        }
        var difference = StyledText("-")
        if let mine = forecast.tick(by: 0.5), let its = judged.tick(by: 0.5) {
            difference = StyledText(Quantity.decimal(100 * (mine / its - 1), digits: 0) + " %")
        }
        return [
            StyledText(Quantity.decimal(spread, digits: 1)), StyledText(name), minutes(forecast.tick(by: 0.5)),
            minutes(judged.tick(by: 0.5)), difference, minutes(forecast.tick(by: 0.9)), minutes(judged.tick(by: 0.9)),
            StyledText(Quantity.decimal(100 * forecast.share, digits: 0) + " %"),
            StyledText(Quantity.decimal(100 * judged.share, digits: 0) + " %"),
        ]
    }

    // MARK: - Both sides

    private func step(effect: Double, tolerance: Double, spread: Double, seed: UInt64) -> SimulatedStep {
        var step = SimulatedStep(
            devices: devices, canaries: canaries, requests: requests, oldRate: rate, newRate: rate * effect,
            spread: spread, historyRequests: history, margin: .relative(tolerance), seed: seed)
        step.plan.deadlineTicks = deadlineTicks
        step.plan.soakTicks = soakTicks
        step.plan.watchTicks = deadlineTicks * 4 + 2_880
        return step
    }

    private func forecaster(_ step: SimulatedStep) -> StepForecaster {
        let fleet = ForecastFleet(
            step.experiment.devices.map {
                ForecastFleet.Device(requestsPerTick: Double(requests), history: $0.history[0])
            })
        return StepForecaster(
            fleet,
            ForecastStep(
                devices: devices, canaries: canaries, plan: step.plan, margin: step.margin,
                exposedFrom: step.exposedFrom))
    }

    private func judged(_ tick: @Sendable (UInt64) -> Int?) -> [Int?] {
        let ticks = Mutex([Int?](repeating: nil, count: runs))
        withoutActuallyEscaping(tick) { tick in
            DispatchQueue.concurrentPerform(iterations: runs) { run in
                let one = tick(UInt64(run))
                ticks.withLock { $0[run] = one }
            }
        }
        return ticks.withLock { $0 }
    }
}

extension SimulatedStep {
    /// The first tick whose recommendation is such; nil where another one ends the step or none does.
    fileprivate func firstTick(within ticks: Int, where isWanted: (Recommendation) -> Bool) -> Int? {
        guard let ending = ending(within: ticks), isWanted(ending.recommendation) else { return nil }
        return ending.tick
    }
}

import ArgumentParser
import CanaryAnalysis
import Foundation
import JudgeBenchmark
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
    @Option(help: "Runs at the same time; as many as there are cores by default.")
    var jobs = ProcessInfo.processInfo.activeProcessorCount

    func validate() throws {
        guard canaries > 0, devices > canaries else {
            throw ValidationError("--canaries must be 1 to --devices less 1.")
        }
        guard runs >= 0, jobs > 0, requests > 0, deadlineTicks > soakTicks, soakTicks > 0 else {
            throw ValidationError("--jobs, --requests and --soak-ticks must be above 0, the deadline behind the soak.")
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
        let runner = BenchmarkRunner(jobs: jobs, seed: seed)
        for result in runner.forecasts(check, questions: questions, runs: runs) { table.add(row(result)) }
        for line in table.lines() { output.print(line) }
    }

    private var questions: [ForecastCheck.Question] {
        spreads.flatMap { spread in
            effects.map { ForecastCheck.Question(.found(effect: $0), spread: spread) }
                + tolerances.map { ForecastCheck.Question(.proven(tolerance: $0), spread: spread) }
        }
    }

    private var check: ForecastCheck {
        var check = ForecastCheck()
        check.devices = devices
        check.canaries = canaries
        check.rate = rate
        check.requests = requests
        check.history = history
        check.tickSeconds = tickSeconds
        check.deadlineTicks = deadlineTicks
        check.soakTicks = soakTicks
        check.seed = seed
        return check
    }

    private func row(_ result: ForecastCheck.Result) -> [StyledText] {
        func minutes(_ tick: Double?) -> StyledText {
            StyledText(tick.map { Quantity.duration(seconds: $0 * tickSeconds) } ?? "-")
        }
        let (forecast, judged) = (result.forecast, result.judged)
        return [
            StyledText(Quantity.decimal(result.question.spread, digits: 1)), StyledText(result.question.title),
            minutes(forecast.tick(by: 0.5)), minutes(judged.tick(by: 0.5)),
            StyledText(result.medianError.map { Quantity.decimal(100 * $0, digits: 0) + " %" } ?? "-"),
            minutes(forecast.tick(by: 0.9)), minutes(judged.tick(by: 0.9)),
            StyledText(Quantity.decimal(100 * forecast.share, digits: 0) + " %"),
            StyledText(Quantity.decimal(100 * judged.share, digits: 0) + " %"),
        ]
    }
}

import ArgumentParser
import Foundation
import JudgeBenchmark
import Terminal

/// `edge-fleet judge`.
struct JudgeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge", abstract: "Holds the judge to its claims on simulated fleets, beside other judges.",
        discussion: """
            Every case is a fleet and a version; every run draws the fleet, its history, its weather and the cohort \
            from its seed and lets the judges look at every tick. The same seed gives the same table on every machine.

            --quick takes minutes and refutes a claim only where its few runs do so significantly; --full takes an \
            hour or so and compares what was seen with the bar. Exits with 1 if a claim is not met.
            """)

    @Flag(help: "Few runs of most cases (the default).") var quick = false
    @Flag(help: "Many runs of all cases.") var full = false
    @Option(help: "Only harmless versions, again and again, for so many hours.") var soak: Double?
    @Option(help: "Only cases whose name contains this, or 'faults', 'forecast' or 'cost'; may be repeated.")
    var only: [String] = []
    @Option(help: "Runs of each case instead of its own number.") var runs: Int?
    @Option(help: "The benchmark's seed.") var seed: UInt64 = 1
    @Option(help: "Runs at the same time; as many as there are cores by default.")
    var jobs = ProcessInfo.processInfo.activeProcessorCount
    @Option(help: "A directory for the report and its plots.") var output: String?
    @Option(
        help: """
            A file of finished runs: those in it are not made again, and new ones are added, so that what was cut goes \
            on. It must come from this very program.
            """) var keep: String?
    @Flag(help: "Names the cases and ends.") var list = false

    func validate() throws {
        guard [quick, full, soak != nil].count(where: { $0 }) <= 1 else {
            throw ValidationError("--quick, --full and --soak exclude each other.")
        }
        guard jobs > 0, (runs ?? 1) > 0, (soak ?? 1) > 0 else {
            throw ValidationError("--jobs, --runs and --soak must be above 0.")
        }
        guard list || !cases.isEmpty || ["faults", "forecast", "cost"].contains(where: hasPart) else {
            throw ValidationError("no case is named like that; --list shows them all.")
        }
    }

    func run() throws {
        guard !list else { return listCases() }
        let results = try soak.map(soaked) ?? measured()
        try write(results)
        let outcomes = Claim.all.map { ($0.sentence, $0.outcome(results)) }
        let failed = outcomes.filter { $0.1.standing == .notMet }
        print("\(outcomes.count { $0.1.standing == .met }) claims met, \(failed.count) not met")
        for (sentence, outcome) in failed { print("  not met: \(sentence): \(outcome.figure)") }
        guard failed.isEmpty else { throw ExitCode(1) }
    }

    // MARK: - What runs

    private var extent: BenchmarkResults.Extent { full ? .full : .quick }

    private var cases: [BenchmarkCase] {
        BenchmarkCases.all.filter { one in only.isEmpty || only.contains { one.name.contains($0) } }
    }

    private func hasPart(_ name: String) -> Bool { only.isEmpty || only.contains(name) }

    private func count(_ one: BenchmarkCase) -> Int {
        let usual = full ? one.runs.full : only.isEmpty ? one.runs.quick : max(10, one.runs.quick)
        return runs ?? usual
    }

    private func measured() throws -> BenchmarkResults {
        // Costs first: the size of the process must be theirs alone.
        let costs = hasPart("cost") ? try measuredCosts() : []
        let runner = BenchmarkRunner(jobs: jobs, seed: seed, kept: try keep.map(KeptRuns.init))
        let results = runner.run(cases.map { ($0, 0..<count($0)) }, title: "cases")
        let faults = hasPart("faults") ? runner.faults(runs: runs ?? (full ? 5 : 1)) : []
        let forecasts =
            hasPart("forecast") && (full || !only.isEmpty)
            ? runner.forecasts(ForecastCheck(), questions: ForecastCheck.questions, runs: runs ?? 300) : []
        return BenchmarkResults(
            extent, seed: seed, cases: results, faults: faults, forecasts: forecasts, costs: costs)
    }

    private func measuredCosts() throws -> [CostFigure] {
        let large = 100_000
        let five = CostProbe.measure(.five, shares: [0.05], devices: large, ticks: full ? 25 : 3)
        let forecast = try ForecastProbe.measure(devices: 10_000, times: full ? 3 : 1)
        guard full else { return [five, forecast] }
        return [
            five, CostProbe.measure(.ramp, shares: [0.05, 0.25, 0.5], devices: large, ticks: 25),
            CostProbe.measure(.watch, shares: [0.05, 0.25, 0.5, 0.9], hasWatch: true, devices: large, ticks: 25),
            forecast,
        ]
    }

    /// Batches of runs with growing numbers until the time is up.
    private func soaked(hours: Double) -> BenchmarkResults {
        let runner = BenchmarkRunner(jobs: jobs, seed: seed)
        let harmless = cases.filter { $0.subject == .harmless }
        let end = Date().addingTimeInterval(hours * 3_600)
        var collected = harmless.map { _ in [BenchmarkRun]() }
        var first = 0
        while Date() < end {
            let batch = runs ?? 20
            let results = runner.run(harmless.map { ($0, first..<(first + batch)) }, title: "from run \(first)")
            for (index, result) in results.enumerated() { collected[index] += result.runs }
            first += batch
        }
        return BenchmarkResults(
            .full, seed: seed, cases: zip(harmless, collected).map { CaseResult($0, runs: $1) })
    }

    // MARK: - What is written

    private func listCases() {
        var table = Table([.init("CASE"), .init("WHAT"), .init("QUICK", .right), .init("FULL", .right)])
        for one in BenchmarkCases.all {
            table.add([
                StyledText(one.name), StyledText(one.title), StyledText("\(one.runs.quick)"),
                StyledText("\(one.runs.full)"),
            ])
        }
        let output = Terminal(.output, environment: ProcessInfo.processInfo.environment)
        for line in table.lines() { output.print(line) }
    }

    private func write(_ results: BenchmarkResults) throws {
        print(results.markdown)
        guard let output else { return }
        let directory = URL(fileURLWithPath: output, isDirectory: true)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try Data(results.markdown.utf8).write(to: directory.appendingPathComponent("judge.md"))
        try results.json().write(to: directory.appendingPathComponent("judge.json"))
        for chart in results.charts {
            try Data(chart.svg.utf8).write(to: directory.appendingPathComponent("\(chart.name).svg"))
        }
    }
}

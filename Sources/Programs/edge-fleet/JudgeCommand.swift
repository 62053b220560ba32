import ArgumentParser
import Dispatch
import JudgeBenchmark
import Synchronization
import Terminal

/// `edge-fleet judge`.
struct JudgeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge", abstract: "The judge on many simulated fleets, beside other judges.")

    @Option(help: "Only cases whose name contains this; may be repeated.") var only: [String] = []
    @Option(help: "Runs of each case.") var runs: Int?
    @Option(help: "The benchmark's seed.") var seed: UInt64 = 1
    @Option(help: "Runs at the same time.") var jobs = 1

    func run() {
        for one in BenchmarkCases.all where only.isEmpty || only.contains(where: one.name.contains) {
            let count = runs ?? one.runs.quick
            let all = Mutex<[BenchmarkRun?]>([BenchmarkRun?](repeating: nil, count: count))
            let start = DispatchTime.now().uptimeNanoseconds
            for run in 0..<count {
                let result = BenchmarkRun(one, seed: one.seed(of: run, benchmark: seed))
                all.withLock { $0[run] = result }
            }
            let result = CaseResult(one, runs: all.withLock { $0.compactMap { $0 } })
            let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
            print(
                one.name, count, "rb", result.rolledBack.share, result.rollbackMinutes(0.5) ?? -1, "proven",
                result.promoted.share, result.proofMinutes(0.5) ?? -1, "named", result.namedAny.share,
                result.runs.first?.lastHold ?? "", result.runs.compactMap(\.metric).prefix(3),
                "s/run", seconds / Double(max(1, count)))
            for rival in one.rivals {
                print(
                    "   ", "\(rival)", result.rolledBack(by: rival)?.share ?? -1,
                    result.rollbackMinutes(0.5, by: rival) ?? -1)
            }
        }
    }
}

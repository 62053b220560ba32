import CanaryAnalysis
import Dispatch
import Foundation
import JudgeBenchmark
import Synchronization
import Terminal

/// Runs cases on several threads; the results do not depend on how many.
struct BenchmarkRunner {
    let jobs: Int
    let seed: UInt64
    /// Where finished runs are kept and found; nil for nowhere.
    var kept: KeptRuns?

    /// Runs the given runs of each case.
    func run(_ cases: [(BenchmarkCase, Range<Int>)], title: String) -> [CaseResult] {
        let tasks = cases.indices.flatMap { index in cases[index].1.map { (index: index, run: $0) } }
        let runs = perform(
            tasks.map { "\(cases[$0.index].0.name) \(seed) \($0.run)" }, title: title
        ) { place in
            let one = cases[tasks[place].index].0
            return BenchmarkRun(one, seed: one.seed(of: tasks[place].run, benchmark: seed))
        }
        var collected = cases.map { _ in [BenchmarkRun]() }
        for (task, run) in zip(tasks, runs) { collected[task.index].append(run) }
        return zip(cases, collected).map { CaseResult($0.0, runs: $1) }
    }

    /// Runs every fault so many times.
    func faults(runs: Int) -> [DataFaultResult] {
        let faults = DataFault.all
        let names = faults.flatMap { fault in (0..<runs).map { "fault \(fault.title) \(seed) \($0)" } }
        let all = perform(names, title: "faults") { place in
            // The same recordings for every fault.
            DataFaultRun(faults[place / runs], seed: seed &* 1_000 &+ UInt64(place % runs))
        }
        return faults.indices.map { DataFaultResult(faults[$0], runs: Array(all[($0 * runs)..<(($0 + 1) * runs)])) }
    }

    /// Holds forecasts against so many runs of the judge.
    func forecasts(
        _ check: ForecastCheck, questions: [ForecastCheck.Question], runs: Int
    ) -> [ForecastCheck.Result] {
        let titles = questions.map { "\($0.title) where devices differ by \($0.spread)" }
        let forecasts = perform(titles.map { "forecast \($0)" }, title: "forecasts") {
            check.forecast(questions[$0])
        }
        let names = titles.flatMap { title in (0..<runs).map { "judged \(title) \($0)" } }
        let judged = perform(names, title: "judged") { place in
            check.judged(questions[place / runs], run: place % runs)
        }
        return questions.indices.map { index in
            ForecastCheck.Result(
                questions[index], forecast: forecasts[index],
                judged: ForecastTimes(Array(judged[(index * runs)..<((index + 1) * runs)])),
                tickSeconds: check.tickSeconds)
        }
    }

    /// Does pieces of work, each of a name of its own, in any order, and returns their results in order.
    private func perform<Result: Codable & Sendable>(
        _ names: [String], title: String, _ work: @Sendable (Int) -> Result
    ) -> [Result] {
        let count = names.count
        let next = Atomic<Int>(0)
        let results = Mutex<[Result?]>([Result?](repeating: nil, count: count))
        let progress = Mutex(RunProgress(title: title, count: count))
        DispatchQueue.concurrentPerform(iterations: min(jobs, max(1, count))) { _ in
            while true {
                // Relaxed: only each number's uniqueness matters; results are guarded by their lock.
                let place = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard place < count else { return }
                let result = kept?.result(names[place]) ?? made(names[place]) { work(place) }
                results.withLock { $0[place] = result }
                progress.withLock { $0.advance() }
            }
        }
        return results.withLock { $0.compactMap { $0 } }
    }

    private func made<Result: Codable>(_ name: String, _ work: () -> Result) -> Result {
        let result = work()
        kept?.keep(result, of: name)
        return result
    }
}

/// A line on the error stream that says how far the runs are.
private struct RunProgress: Sendable {
    private let title: String
    private let count: Int
    private let start = Date()
    private let terminal = Terminal(.error, environment: ProcessInfo.processInfo.environment)
    private var done = 0
    private var lastTenth = 0

    init(title: String, count: Int) {
        self.title = title
        self.count = count
    }

    mutating func advance() {
        done += 1
        let seconds = Date().timeIntervalSince(start)
        let left = seconds / Double(done) * Double(count - done)
        let facts =
            "\(done) of \(count) runs  \(Quantity.duration(seconds: seconds))  about "
            + "\(Quantity.duration(seconds: left)) left"
        if terminal.isInteractive {
            let bar = Bar.filled(Double(done), of: Double(count), width: 30, palette: terminal.palette)
            terminal.write("\r\(title)  \(bar)  \(facts)\u{1B}[K" + (done == count ? "\n" : ""))
        } else if done * 10 / count > lastTenth {
            lastTenth = done * 10 / count
            terminal.print("\(title)  \(facts)")
        }
    }
}

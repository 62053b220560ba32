import CanaryAnalysis
import Foundation
import RecordedFleets
import TraceFiles

/// What judging one trace came to: lines for the output, and what is said beside them.
struct TraceReport {
    /// JSON, one object a line.
    private(set) var lines: [String] = []
    /// Sentences for people.
    private(set) var warnings: [String] = []
    /// What was wrong with the trace; nil where it could be judged.
    private(set) var fault: String?

    /// Judges a trace.
    ///
    /// - Parameters:
    ///   - isVerbose: whether every tick has a line.
    ///   - advanced: called with so many bytes that were read.
    init(_ trace: TraceDirectory, isVerbose: Bool, advanced: @escaping (UInt64) -> Void) {
        var heard = (lines: [String](), warnings: [String]())
        let listener = TraceDirectory.Listener(
            warned: { heard.warnings.append($0) }, advanced: advanced,
            judged: { time, ticks in
                guard isVerbose else { return }
                for tick in ticks { heard.lines.append(Self.line(trace, time, tick)) }
            }, restarted: { heard.lines = [] })
        do {
            let policy = try Self.policy(of: trace, warned: listener.warned)
            let outcome = try trace.judge(by: policy, listener)
            lines = heard.lines + [Self.line(trace, outcome)]
        } catch {
            fault = "\(error)"
        }
        warnings = heard.warnings
    }

    /// The trace's policy; the product's defaults where it has none.
    private static func policy(
        of trace: TraceDirectory, warned: (String) -> Void
    ) throws -> RecordedPolicy {
        let names = ["policy.yaml", "policy.yml"].map { trace.file($0) }
        guard let name = names.first(where: FileManager.default.fileExists) else { return RecordedPolicy() }
        guard let bytes = FileManager.default.contents(atPath: name), bytes.count <= ManifestReader.limitBytes else {
            throw CommandFailure.invalid("\(name): cannot be read, or is larger than 4 MiB")
        }
        var reader = TracePolicyReader(file: name)
        let policy = try reader.read(String(decoding: bytes, as: UTF8.self))
        for warning in reader.warnings { warned(warning) }
        return policy
    }

    // MARK: - Lines

    private static func line(_ trace: TraceDirectory, _ outcome: RecordingOutcome) -> String {
        var line = JSONLine()
        line.add("trace", .text(trace.path))
        line.add("decision", .text(outcome.decision.rawValue))
        line.add("time_seconds", .number(outcome.timeSeconds))
        line.add("step", .number(outcome.step))
        line.add("metric", .text(outcome.metric))
        line.add("test", .text(outcome.test))
        line.add("reason", .text(outcome.reason))
        line.add("suspect", .text(outcome.suspect))
        let last = outcome.steps.map(\.number).max() ?? 0
        let proofs = (0..<last).map { index in outcome.steps.first { $0.number == index + 1 }?.provenAt }
        line.add("steps", .list(proofs.map { .number($0) }))
        return line.text
    }

    private static func line(_ trace: TraceDirectory, _ time: Double, _ tick: RecordingJudge.StepTick) -> String {
        let judgement = tick.judgement
        var line = JSONLine()
        line.add("trace", .text(trace.path))
        line.add("time_seconds", .number(time))
        line.add("step", .number(tick.step))
        line.add("tick", .number(judgement.tick))
        line.add("recommendation", .text(judgement.recommendation.word))
        line.add("reason", .text(judgement.recommendation.code))
        line.add("evidence", .number(judgement.evidence))
        line.add("bound", .number(judgement.bound))
        line.add("leading_metric", .text(judgement.leadingMetric))
        line.add("leading_test", .text(judgement.leadingTest))
        line.add("canaries", .number(judgement.canaries))
        line.add("others", .number(judgement.others))
        line.add("exposed", .number(judgement.exposed))
        line.add("proven", .list(judgement.metrics.filter(\.isProven).map { .text($0.metric) }))
        return line.text
    }
}

extension Recommendation {
    fileprivate var word: String {
        switch self {
        case .rollback: "rollback"
        case .halt: "halt"
        case .advance: "advance"
        case .hold: "hold"
        case .undecided: "undecided"
        case .noData: "no_data"
        }
    }

    fileprivate var code: String {
        switch self {
        case .rollback(let finding), .halt(let finding): finding.reason
        case .hold(let reason), .undecided(let reason), .noData(let reason): reason.code
        case .advance(let isProven): isProven ? "proven" : "not_proven_here"
        }
    }
}

import Fleet
import Foundation
import Orchestration
import PrometheusExposition
import Synchronization

/// One line per event on standard error: as text for people, or as JSON with its facts as fields.
final class ControllerLog: OrchestratorLog {
    private let level: ServeConfiguration.Level
    private let writesJSON: Bool
    private let messages: [ServeConfiguration.Level: CounterSeries]
    // One line is written at a time, so that lines never mix.
    private let writing = Mutex(())

    init(level: ServeConfiguration.Level, writesJSON: Bool, metrics: MetricRegistry) {
        self.level = level
        self.writesJSON = writesJSON
        messages = Dictionary(
            uniqueKeysWithValues: [.info, .warning, .error].map { level in
                (level, metrics.counter(.logMessages, [level.rawValue]))
            })
    }

    func info(_ event: String, _ facts: [String: String]) { write(.info, event, facts) }
    func warning(_ event: String, _ facts: [String: String]) { write(.warning, event, facts) }
    func error(_ event: String, _ facts: [String: String]) { write(.error, event, facts) }

    private func write(_ level: ServeConfiguration.Level, _ event: String, _ facts: [String: String]) {
        messages[level]?.add()
        guard level >= self.level else { return }
        let now = SystemClock().now().description
        let line = writesJSON ? json(now, level, event, facts) : text(now, level, event, facts)
        writing.withLock { _ in FileHandle.standardError.write(Data((line + "\n").utf8)) }
    }

    private func text(
        _ now: String, _ level: ServeConfiguration.Level, _ event: String, _ facts: [String: String]
    ) -> String {
        let name = level.rawValue.uppercased().padding(toLength: 7, withPad: " ", startingAt: 0)
        let shown = facts.sorted { $0.key < $1.key }.map { fact in
            fact.value.contains(where: { $0 == " " || $0 == "\"" || $0.isNewline })
                ? "\(fact.key)=\"\(fact.value.replacing("\"", with: "'").replacing("\n", with: " "))\""
                : "\(fact.key)=\(fact.value)"
        }
        return ([now, name, event] + shown).joined(separator: " ")
    }

    private func json(
        _ now: String, _ level: ServeConfiguration.Level, _ event: String, _ facts: [String: String]
    ) -> String {
        var fields = facts
        fields["time"] = now
        fields["level"] = level.rawValue
        fields["event"] = event
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings by strings always encode.
        let data = (try? encoder.encode(fields)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }
}

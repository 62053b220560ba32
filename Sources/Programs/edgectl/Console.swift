import Fleet
import FoundationEssentials
import Terminal

/// The program's streams, environment and clock.
enum Console {
    /// The environment the process was started with.
    static let environment = ProcessInfo.processInfo.environment
    /// Results.
    static let output = Terminal(.output, environment: environment)
    /// Everything beside them.
    static let error = Terminal(.error, environment: environment)

    /// The time now.
    static var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
    /// Seconds on the same clock, for rates.
    static var seconds: Double { now.seconds }

    /// A fact beside the result, for people.
    static func note(_ text: String) { error.print(StyledText(text, .faint)) }

    /// Something a person should know.
    static func warn(_ text: String) { error.print(StyledText("warning: ", .notice) + StyledText(text)) }
}

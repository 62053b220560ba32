import ArgumentParser
import EdgeOrchestrator
import Fleet
import HardwareKeys
import Rollouts
import Terminal
import WireFormat

/// The exit codes of every command; 3 to 5 are those of `rollout status --wait`, 6 that of a plan whose forecast says
/// that it cannot see the tolerance it names.
enum ExitStatus: Int32, CaseIterable {
    case success = 0
    case failure = 1
    case invalid = 2
    case rolledBack = 3
    case needsPerson = 4
    case timedOut = 5
    case blindPlan = 6
}

/// A failure that a command names itself: what was attempted, why it failed and what to do.
struct CommandFailure: Error, Hashable, CustomStringConvertible {
    let status: ExitStatus
    let description: String

    static func invalid(_ text: String) -> CommandFailure { CommandFailure(status: .invalid, description: text) }
    static func failed(_ text: String) -> CommandFailure { CommandFailure(status: .failure, description: text) }
}

/// Ends a command with a code and without a further word.
struct QuietExit: Error, Hashable {
    let status: ExitStatus
}

/// What an error that ended a command means for the exit code, and what is said.
struct ExitReport: Hashable {
    let status: ExitStatus
    /// The text; nil where everything was said already.
    let text: String?
    /// Whether the text is what was asked for, such as `--help`.
    let isAnswer: Bool

    init(_ error: any Error) {
        switch error {
        case let quiet as QuietExit:
            self.init(quiet.status, nil)
        case let failure as CommandFailure:
            self.init(failure.status, failure.description)
        case let error as OrchestratorError:
            self.init(Self.status(of: error), Self.text(of: error))
        case let error as VersionSourceError:
            self.init(Self.status(of: error), error.description)
        case let error as HardwareKeyError:
            self.init(error.isOfInput ? .invalid : .failure, "\(error)")
        case is InvalidName, is InvalidSelector, is InvalidLabels, is FieldFault, is ManifestFault:
            self.init(.invalid, "\(error)")
        default:
            self.init(parsing: error)
        }
    }

    /// Says it, and returns the exit code.
    func tell() -> Int32 {
        if let text {
            if isAnswer {
                Console.output.print(text)
            } else {
                Console.error.print(StyledText("error: ", .bad) + StyledText(firstLine(of: text)))
                for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst() {
                    Console.error.print(String(line))
                }
            }
        }
        return status.rawValue
    }

    private init(_ status: ExitStatus, _ text: String?, isAnswer: Bool = false) {
        self.status = status
        self.text = text
        self.isAnswer = isAnswer
    }

    /// What the argument parser threw, or something nobody expected.
    private init(parsing error: any Error) {
        let code = Edgectl.exitCode(for: error)
        let message = Edgectl.fullMessage(for: error)
        if code == .success {
            self.init(.success, message, isAnswer: true)
        } else if code == .validationFailure {
            self.init(.invalid, message.withoutErrorPrefix)
        } else {
            self.init(.failure, message.withoutErrorPrefix)
        }
    }

    private static func status(of error: OrchestratorError) -> ExitStatus {
        switch error {
        case .invalidServer, .unencodable: .invalid
        case .problem(let problem): [400, 413, 415, 422].contains(problem.status) ? .invalid : .failure
        case .unreachable, .unexpectedAnswer, .unreadableReply, .fileUnreadable: .failure
        }
    }

    private static func status(of error: VersionSourceError) -> ExitStatus {
        switch error {
        case .invalid: .invalid
        case .failed: .failure
        }
    }

    private static func text(of error: OrchestratorError) -> String {
        guard let problem = error.problem else { return error.description }
        let remedy =
            switch (problem.status, problem.code) {
            case (401, _): "; check EDGECTL_KEY, --api-key or the profile's key"
            case (403, "role_needed"):
                "; an admin can make a key with another role: `edgectl apikey create NAME --role ROLE`"
            case (403, "out_of_scope"):
                ": `edgectl apikey create NAME --role ROLE --selector KEY=VALUE --model NAME`"
            default: ""
            }
        let said = problem.detail.isEmpty ? problem.title : problem.detail
        return ([said + remedy] + problem.faults.map { "  \($0)" }).joined(separator: "\n")
    }
}

private func firstLine(of text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init) ?? ""
}

extension String {
    /// The argument parser begins its messages with a word that is said here already.
    fileprivate var withoutErrorPrefix: String { hasPrefix("Error: ") ? String(dropFirst(7)) : self }
}

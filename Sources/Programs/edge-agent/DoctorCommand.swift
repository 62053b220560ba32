import ArgumentParser
import DeviceAgent
import DeviceFiles
import FoundationEssentials

/// `edge-agent doctor`.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks at everything the agent needs, and says what to do about what it finds.",
        discussion: """
            Give it the options, or the --config, of `edge-agent run`; the agent may be running or not, and nothing is \
            changed. Each line is OK, WARN or FAIL. Ends with 0 where nothing fails, with 1 where something does.
            """)

    @OptionGroup var options: AgentOptions
    @Option(name: .shortAndLong, help: "text or json.") var output = OutputForm.text

    func run() throws {
        let findings: [Finding]
        do {
            let configuration = try AgentConfiguration(flags: options)
            findings =
                [.fine("config", "it can be used")] + DeviceChecks(configuration: configuration).findings()
        } catch let faults as ConfigurationFaults {
            findings = faults.faults.map {
                .failure(
                    "config", $0, advice: "mend it in the file or on the command line; see `edge-agent run --help`")
            }
        }
        switch output {
        case .text: Self.lines(findings).forEach { print($0) }
        case .json: print(try JSONText.of(findings))
        }
        if findings.contains(where: { $0.level == .failure }) { throw ExitCode(1) }
    }

    private static func lines(_ findings: [Finding]) -> [String] {
        findings.map { finding in
            let head = padded(finding.level.rawValue, 6) + padded(finding.check, 13)
            return head + finding.seen + (finding.advice.isEmpty ? "" : "\n" + "      -> \(finding.advice)")
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

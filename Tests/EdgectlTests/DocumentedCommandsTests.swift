import ArgumentParser
import Foundation
import Testing

@testable import edgectl

/// What the documentation tells people to type is understood.
@Suite struct DocumentedCommandsTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The `edgectl` lines of a page's shell blocks, without prompts, comments and redirections.
    private static func commands(in page: String) throws -> [String] {
        let text = try String(contentsOf: root.appending(path: page), encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("edgectl ") }.map { line in
            String(line.prefix { $0 != "#" && $0 != ">" && $0 != "|" }).trimmingCharacters(in: .whitespaces)
        }
    }

    /// A line's words; what stands in double quotes is one.
    private static func words(_ line: String) -> [String] {
        var words: [String] = []
        for (place, part) in line.split(separator: "\"", omittingEmptySubsequences: false).enumerated() {
            words += place % 2 == 1 ? [String(part)] : part.split(separator: " ").map(String.init)
        }
        return words
    }

    @Test(
        "every edgectl line of the documentation is understood",
        arguments: ["README.md", "docs/operating.md", "docs/judge.md", "docs/recordings.md", "docs/security.md"])
    func understood(page: String) throws {
        let commands = try Self.commands(in: page).filter { !$0.hasPrefix("edgectl completion") }
        for command in commands {
            #expect(throws: Never.self, "\(command)") {
                _ = try Edgectl.parseAsRoot(Array(Self.words(command).dropFirst()))
            }
        }
    }

    @Test("the documentation has edgectl lines to look at")
    func found() throws {
        #expect(try Self.commands(in: "README.md").count > 5)
    }
}

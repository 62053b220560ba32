import Foundation

/// One file of the package.
struct SourceFile: Sendable {
    /// Its path in the package, such as `Sources/Core/Fleet/Name.swift`.
    let path: String
    let text: String
    let lines: [Substring]
    let swift: SwiftText

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        swift = SwiftText(path.hasSuffix(".swift") ? text : "")
    }

    /// The layer's folder, such as `Core`; empty outside `Sources`.
    var layer: String { piece(1) }

    /// The target's folder, such as `Fleet`.
    var target: String { piece(2) }

    /// The modules that the file imports.
    var imports: [String] {
        swift.words.indices.dropLast().filter { swift.words[$0].text == "import" }.map { swift.words[$0 + 1].text }
    }

    private func piece(_ index: Int) -> String {
        let pieces = path.split(separator: "/")
        return pieces.first == "Sources" && pieces.count > index + 1 ? String(pieces[index]) : ""
    }
}

/// The package's files, read once.
enum SourceTree {
    /// The package's directory, found from this file's own place.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let package = file("Package.swift")
    static let architecture = file("ARCHITECTURE.md")
    static let sources = files(below: "Sources") { $0.hasSuffix(".swift") }
    static let tests = files(below: "Tests") { $0.hasSuffix(".swift") }

    /// Texts that people read and run beside the sources.
    static let others =
        ["docs", "scripts", "alerts", "dashboards", "examples"].flatMap { folder in
            files(below: folder) { name in
                [".md", ".yml", ".yaml", ".sh", ".py", ".json", ".toml"].contains { name.hasSuffix($0) }
            }
        } + [package, architecture]

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root.path + "/" + path) }

    /// The names in a folder, hidden ones left out.
    static func names(in folder: String) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: root.path + "/" + folder)
        return (names ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }

    private static func file(_ path: String) -> SourceFile {
        let text = try? String(contentsOf: root.appending(path: path), encoding: .utf8)
        return SourceFile(path: path, text: text ?? "")
    }

    private static func files(below folder: String, where holds: (String) -> Bool) -> [SourceFile] {
        let paths = try? FileManager.default.subpathsOfDirectory(atPath: root.path + "/" + folder)
        return (paths ?? []).filter { path in
            holds(path) && !path.split(separator: "/").contains { $0.hasPrefix(".") }
        }.sorted().map { file(folder + "/" + $0) }
    }
}

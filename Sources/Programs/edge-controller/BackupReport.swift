import ArgumentParser
import BackupFiles
import Foundation
import Synchronization
import Terminal

/// How results are written.
enum ResultFormat: String, CaseIterable, ExpressibleByArgument {
    case table, json

    /// Prints a result: as lines for people, or whole for programs.
    func print(_ value: some Encodable, lines: [StyledText]) throws {
        let terminal = Terminal(.output, environment: ProcessInfo.processInfo.environment)
        switch self {
        case .table: lines.forEach { terminal.print($0) }
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            terminal.print(String(decoding: try encoder.encode(value), as: UTF8.self))
        }
    }
}

/// The progress of work that takes longer than a second, beside the result.
final class ResultProgress {
    private let title: String
    private let terminal = Terminal(.error, environment: ProcessInfo.processInfo.environment)
    private let startedAt = Date().timeIntervalSince1970
    private var line: ProgressLine?

    init(_ title: String) {
        self.title = title
    }

    func show(_ doneBytes: UInt64, of totalBytes: UInt64) {
        let now = Date().timeIntervalSince1970
        guard line != nil || now - startedAt > 1 else { return }
        var current = line ?? ProgressLine(title: title, totalBytes: totalBytes, at: now)
        if let text = current.advanced(to: doneBytes, at: now, on: terminal) { terminal.write(text) }
        line = current
    }
}

/// What a backup holds, at its end.
struct BackupReport: Encodable {
    let backup: String
    let keys: Int
    let artifactsCopied: Int
    let seconds: Double
    let manifest: BackupManifest

    init(
        _ path: String, _ manifest: BackupManifest, keys: Int, _ artifacts: BackupWriter.Artifacts?, seconds: Double
    ) {
        backup = path
        self.keys = keys
        artifactsCopied = artifacts?.copied ?? 0
        self.seconds = seconds
        self.manifest = manifest
    }

    var lines: [StyledText] {
        let kept = manifest.artifacts.map { "\($0.count - artifactsCopied) were there" } ?? "left out"
        return manifest.table(keys: keys, note: kept) + [
            StyledText("backup of \(manifest.takenAt) in \(backup), after \(Quantity.duration(seconds: seconds))")
        ]
    }
}

/// What was restored, at its end.
struct RestoreReport: Encodable {
    let backup: String
    let data: String
    let database: String
    let rolloutsHalted: [String]
    let seconds: Double
    let manifest: BackupManifest

    init(_ backup: Backup, data: String, database: String, held: [String], seconds: Double) {
        self.backup = backup.path
        self.data = data
        self.database = database
        rolloutsHalted = held
        self.seconds = seconds
        manifest = backup.manifest
    }

    var lines: [StyledText] {
        let keys = manifest.files.count { $0.path.hasPrefix(ControllerKeys.folder + "/") }
        var lines = manifest.table(keys: keys, note: manifest.artifacts == nil ? "not in the backup" : "")
        lines.append(
            StyledText(
                "restored the backup of \(manifest.takenAt) into \(data) and \(database), after "
                    + Quantity.duration(seconds: seconds)))
        if !rolloutsHalted.isEmpty {
            lines.append(
                StyledText("rollouts that wait for a person: " + rolloutsHalted.joined(separator: ", "), .notice))
        }
        return lines
    }
}

extension BackupManifest {
    /// The rows of each table, the keys and the artifacts, with their sizes.
    fileprivate func table(keys: Int, note: String) -> [StyledText] {
        var table = Table([
            Table.Column("PART"), Table.Column("COUNT", .right), Table.Column("SIZE", .right), Table.Column("NOTE"),
        ])
        func add(_ name: String, _ count: Int, _ bytes: UInt64, _ note: String = "") {
            table.add([
                StyledText(name), StyledText("\(count)"), StyledText(Quantity.bytes(bytes)), StyledText(note),
            ])
        }
        for one in tables {
            add(one.table, one.rows, files.first { $0.path == TableFile.path(of: one.table) }?.sizeBytes ?? 0)
        }
        let keyFiles = files.filter { $0.path.hasPrefix(ControllerKeys.folder + "/") }
        add("keys", keys, keyFiles.reduce(0) { $0 + $1.sizeBytes })
        add("artifacts", artifacts?.count ?? 0, artifactBytes, note)
        return table.lines()
    }
}

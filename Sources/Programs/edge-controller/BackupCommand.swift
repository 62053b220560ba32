import ArgumentParser
import BackupFiles
import Foundation
import SQLStore

/// `edge-controller backup`: everything a controller needs to go on, from a running or a stopped one.
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Back up database, keys and artifacts; the controller may go on running.",
        discussion: """
            Each backup is a directory of its own in --to, named by its time and readable by its owner only: it holds \
            the keys that the controller signs with, so keep it as you keep those. Artifacts are kept once for all \
            backups in --to, and only those that are missing are copied. A backup that was cut is never taken for \
            one.
            """)

    @Option(help: "Where the controller keeps its data.")
    var data = ControllerDefaults.dataDirectory

    @Option(help: "sqlite, or a PostgreSQL address (default: EDGE_CONTROLLER_DATABASE, or sqlite).")
    var database: String?

    @Option(help: "The directory of backups; it is made where there is none.")
    var to: String

    @Flag(help: "Leave the artifacts out: their versions cannot be installed anew until they are pushed again.")
    var withoutArtifacts = false

    @Option(name: .shortAndLong, help: "table or json.")
    var output = ResultFormat.table

    func run() throws {
        let began = Date()
        let place = try DatabasePlace(database)
        let schema = try place.schema(dataDirectory: data)
        let reader = try place.reader(dataDirectory: data)
        let keys = try ControllerKeys.files(in: data)
        // Before the first row is read, so that nothing in the backup is later than it says.
        let takenAt = SystemClock().now()
        let writer = try BackupWriter(BackupDirectory(path: to), takenAt: takenAt)
        do {
            var manifest = BackupManifest(
                schema: schema.known, program: BuildFacts.version, takenAt: takenAt, database: place.kind)
            try write(reader, to: writer, noting: &manifest)
            for key in keys { try writer.copy(data + "/" + key, as: "\(ControllerKeys.folder)/\(key)") }
            let progress = ResultProgress("artifacts")
            let artifacts =
                withoutArtifacts
                ? nil : try writer.artifacts(from: data + "/artifacts") { progress.show($0, of: $1) }
            let (path, finished) = try writer.finish(manifest)
            let report = BackupReport(
                path, finished, keys: keys.count, artifacts, seconds: Date().timeIntervalSince(began))
            try output.print(report, lines: report.lines)
        } catch {
            writer.abandon()
            throw error
        }
    }

    /// Writes a file for each table.
    private func write(_ reader: StoreReader, to writer: BackupWriter, noting manifest: inout BackupManifest) throws {
        let content = try reader.read { table, pages in
            try writer.file(TableFile.path(of: table)) { file in try pages { try file.put($0) } }
        }
        manifest.tables = content.rows.map { BackupManifest.TableRows(table: $0.table, rows: $0.rows) }
        manifest.largestAssignment = content.largestAssignment
        manifest.auditRows = content.auditRows
        manifest.auditHash = content.auditHash
        manifest.restores = content.restores
    }
}

/// The files of a backup that hold a table each.
enum TableFile {
    static func path(of table: String) -> String { "tables/\(table).jsonl" }
}

/// The controller's keys and certificates in its data directory.
enum ControllerKeys {
    /// Where they are in a backup.
    static let folder = "keys"

    /// Those that there are.
    ///
    /// - Throws: ``StartFailure`` where even the assignment key is missing: no controller was ever here.
    static func files(in dataDirectory: String) throws -> [String] {
        guard !RestoredDirectory.isUnfinished(dataDirectory) else {
            throw StartFailure.unfinishedRestore(dataDirectory)
        }
        let known = [
            "assignment.key", "token.keys", "tls/ca.key", "tls/ca.pem", "tls/server.key", "tls/server.pem",
        ].filter { FileManager.default.fileExists(atPath: dataDirectory + "/" + $0) }
        guard known.contains("assignment.key") else {
            throw StartFailure("\(dataDirectory) holds no assignment.key; check --data")
        }
        return known
    }
}

extension StartFailure {
    static func unfinishedRestore(_ dataDirectory: String) -> StartFailure {
        StartFailure(
            "a restore into \(dataDirectory) was not finished; run `edge-controller restore` once more with the same "
                + "--data, and an empty --database where it is PostgreSQL")
    }
}

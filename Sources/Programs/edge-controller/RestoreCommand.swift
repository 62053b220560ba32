import ArgumentParser
import BackupFiles
import Fleet
import Foundation
import Orchestration
import Rollouts
import SQLStore
import WireFormat

/// `edge-controller restore`: a controller from a backup, into nothing that is there already.
struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Restore a controller from a backup, into an empty directory and database.",
        discussion: """
            Every file of the backup is verified before anything is changed. The restored controller numbers its \
            orders above all that the lost one can have given, and asks a person about every rollout that was under \
            way: what was decided after the backup is not in it. Never start the lost controller again.
            """)

    @Option(help: "A backup, or the directory of backups, of which the newest is taken.")
    var from: String

    @Option(help: "Where the controller shall keep its data; it must be empty.")
    var data = ControllerDefaults.dataDirectory

    @Option(
        help: "sqlite, or the address of an empty PostgreSQL database (default: EDGE_CONTROLLER_DATABASE, or sqlite).")
    var database: String?

    @Option(name: .shortAndLong, help: "table or json.")
    var output = ResultFormat.table

    func run() throws {
        let began = Date()
        let place = try DatabasePlace(database)
        let backup = try Backup(at: from)
        let now = SystemClock().now()
        try check(backup, place, at: now)
        let verifying = ResultProgress("verified")
        try backup.verify { verifying.show($0, of: $1) }
        let directory = try RestoredDirectory(path: data)
        try requireEmpty(place)
        try directory.begin()
        let copying = ResultProgress("artifacts")
        try directory.fill(from: backup, folder: ControllerKeys.folder, artifacts: data + "/artifacts") {
            copying.show($0, of: $1)
        }
        let restore = StoredRestore(
            number: backup.manifest.restores + 1, backup: backup.name, takenAt: backup.manifest.takenAt,
            restoredAt: now, auditRows: backup.manifest.auditRows)
        try fill(place, with: backup, noting: restore)
        let held = try follow(place)
        try directory.finish()
        let report = RestoreReport(
            backup, data: data, database: place.told(dataDirectory: data), held: held,
            seconds: Date().timeIntervalSince(began))
        try output.print(report, lines: report.lines)
    }

    /// What the manifest and the clock say against it.
    private func check(_ backup: Backup, _ place: DatabasePlace, at now: Timestamp) throws {
        let known = try place.schema(dataDirectory: data).known
        guard backup.manifest.schema == known else {
            throw StartFailure(
                "backup \(backup.name) has schema \(backup.manifest.schema), this program knows \(known); restore it "
                    + "with edge-controller \(backup.manifest.program)")
        }
        // Orders are numbered by the clock: it must not be behind the one that the backup was taken by.
        guard now > backup.manifest.takenAt else {
            throw StartFailure(
                "the clock of this machine says \(now), before the backup was taken (\(backup.manifest.takenAt)); set "
                    + "the clock")
        }
    }

    /// A database that is not there yet is empty; one of PostgreSQL is looked at and not changed.
    private func requireEmpty(_ place: DatabasePlace) throws {
        guard case .postgreSQL = place, try place.schema(dataDirectory: data).found > 0 else { return }
        try place.reader(dataDirectory: data).requireEmpty()
    }

    private func fill(_ place: DatabasePlace, with backup: Backup, noting restore: StoredRestore) throws {
        let store = try place.open(dataDirectory: data, isCopy: true)
        let rows = try store.fill(noting: restore) { table, take in
            try backup.lines(of: TableFile.path(of: table), take)
        }
        let counted = rows.map { BackupManifest.TableRows(table: $0.table, rows: $0.rows) }
        guard counted == backup.manifest.tables else {
            throw StartFailure("backup \(backup.name) has other rows than its manifest says; use another one")
        }
    }

    /// Does what follows from the restore, as the first controller that opens the database.
    ///
    /// - Returns: the rollouts that ask a person now.
    private func follow(_ place: DatabasePlace) throws -> [String] {
        let controller = try ControllerAssembly(
            dataDirectory: data, database: place, log: SilentLog(), isRestoring: true
        ).controller
        return controller.rollouts(model: nil, active: true).filter { $0.state == .halted }.map(\.id.rawValue)
    }
}

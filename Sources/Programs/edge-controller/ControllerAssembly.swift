import ArtifactStorage
import Foundation
import Orchestration
import PrometheusExposition
import SQLStore

/// The controller put together on its embedded default: SQLite and a directory.
struct ControllerAssembly {
    let controller: FleetController

    init(dataDirectory: String, log: any OrchestratorLog, metrics: MetricRegistry = MetricRegistry()) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: dataDirectory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw StartFailure("cannot make the data directory \(dataDirectory): \(error.localizedDescription)")
        }
        controller = try FleetController(
            FleetController.Surroundings(
                store: try SQLiteStore(path: dataDirectory + "/controller.sqlite"),
                artifacts: try ArtifactDirectory(path: dataDirectory + "/artifacts"),
                cryptography: try ControllerCryptography(directory: dataDirectory), clock: SystemClock(),
                metrics: metrics, log: log))
    }
}

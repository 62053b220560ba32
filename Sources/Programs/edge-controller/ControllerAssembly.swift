import ArtifactStorage
import BackupFiles
import Cryptography
import Foundation
import Orchestration
import PrometheusExposition
import Rollouts

/// The controller put together on its database and a directory.
struct ControllerAssembly {
    let controller: FleetController

    init(
        dataDirectory: String, database: DatabasePlace, log: any OrchestratorLog,
        metrics: MetricRegistry = MetricRegistry(),
        deviceAuthority: CertificateAuthority? = nil, issuer: (any OperatorIssuer)? = nil,
        retention: Retention = Retention(), isRestoring: Bool = false
    ) throws {
        guard isRestoring || !RestoredDirectory.isUnfinished(dataDirectory) else {
            throw StartFailure.unfinishedRestore(dataDirectory)
        }
        do {
            try FileManager.default.createDirectory(
                atPath: dataDirectory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw StartFailure("cannot make the data directory \(dataDirectory): \(error.localizedDescription)")
        }
        let cryptography = try ControllerCryptography(directory: dataDirectory, deviceAuthority: deviceAuthority)
        var surroundings = FleetController.Surroundings(
            store: try database.open(dataDirectory: dataDirectory),
            artifacts: try ArtifactDirectory(path: dataDirectory + "/artifacts"),
            cryptography: cryptography, clock: SystemClock(), metrics: metrics, log: log,
            tokens: try ControllerTokens(
                directory: dataDirectory,
                controller: try cryptography.fingerprint(publicKeyPEM: cryptography.assignmentKeyPEM),
                at: SystemClock().now()))
        surroundings.issuer = issuer
        surroundings.retention = retention
        controller = try FleetController(surroundings)
    }
}

import Dispatch
import Foundation
import MicroHTTPServer
import PrometheusExposition
import Synchronization

/// The certificate and key that the listeners show, read from files again when these change.
final class ServedCertificate: Sendable {
    /// The files, as they are named on the command line.
    struct Files: Equatable {
        let certificate: String
        let key: String
    }

    /// What listeners for operators and metrics show.
    let tls: ServerTLS
    /// The same for devices, whose own certificates are asked for where the controller issues them.
    let deviceTLS: ServerTLS
    private let files: Files
    private let log: ControllerLog
    private let metrics: MetricRegistry
    /// The contents tried last: what was refused once is not refused again every few seconds.
    private let tried: Mutex<[Data]>

    /// How long a changed file may go unnoticed.
    static let lookInterval = DispatchTimeInterval.seconds(5)

    /// Reads both files.
    ///
    /// - Throws: ``StartFailure`` with the file and what is wrong with it.
    init(
        _ files: Files, devices: ControllerCertificates?, log: ControllerLog, metrics: MetricRegistry
    ) throws {
        guard ServerTLS.isSupported else {
            throw StartFailure("libmicrohttpd was built without TLS here; use Debian's package libmicrohttpd12")
        }
        let contents = try Self.read(files)
        do {
            let (certificate, key) = (Array(contents[0]), Array(contents[1]))
            tls = try ServerTLS(certificate: certificate, key: key)
            deviceTLS = try ServerTLS(
                certificate: certificate, key: key, clientAuthorities: try devices?.authorityPEM,
                clientCheck: devices?.clientCheck)
        } catch {
            throw StartFailure("cannot serve TLS with \(files.certificate) and \(files.key): \(error)")
        }
        self.files = files
        self.log = log
        self.metrics = metrics
        tried = Mutex(contents)
        for family in [CounterFamily.tlsReloads, .tlsReloadFailures] { _ = metrics.counter(family) }
    }

    /// Looks at the files, and shows what they hold from the next handshake on; keeps what is shown where they are bad.
    func reload() {
        do {
            let contents = try Self.read(files)
            let isNew = tried.withLock { tried in
                defer { tried = contents }
                return tried != contents
            }
            guard isNew else { return }
            for side in [tls, deviceTLS] {
                try side.replace(certificate: Array(contents[0]), key: Array(contents[1]))
            }
            metrics.counter(.tlsReloads).add()
            log.info("certificate reloaded", ["file": files.certificate, "expiresAt": expiry])
        } catch {
            refused(error)
        }
    }

    /// A file that cannot be read is reported once until it can be.
    private func refused(_ error: any Error) {
        if error is StartFailure {
            guard tried.withLock({ !$0.isEmpty }) else { return }
            tried.withLock { $0 = [] }
        }
        metrics.counter(.tlsReloads).add()
        metrics.counter(.tlsReloadFailures).add()
        log.warning(
            "certificate not reloaded", ["error": "\(error)", "file": files.certificate, "shownUntil": expiry])
    }

    private var expiry: String {
        Date(timeIntervalSince1970: Double(tls.certificateExpiresAt)).formatted(.iso8601)
    }

    private static func read(_ files: Files) throws -> [Data] {
        try [files.certificate, files.key].map { path in
            do {
                return try Data(contentsOf: URL(fileURLWithPath: path))
            } catch {
                throw StartFailure("cannot read \(path): \(error.localizedDescription); check the path and its owner")
            }
        }
    }
}

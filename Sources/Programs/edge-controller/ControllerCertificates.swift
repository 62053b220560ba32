import Cryptography
import Fleet
import Foundation
import MicroHTTPServer
import WebMessages

/// The private certificate authority of a data directory and the server certificate it issued, in `tls/`.
///
/// `ca.pem` is for everyone; `ca.key` and `server.key` are readable by their owner only and are never overwritten.
struct ControllerCertificates {
    let directory: String
    let authority: CertificateAuthority

    /// Ten years, and a year for what is easily renewed.
    private static let authorityDays = 3650
    private static let serverDays = 365

    static func directory(of dataDirectory: String) -> String { dataDirectory + "/tls" }

    /// Reads the authority of a data directory; nil where there is none.
    ///
    /// - Throws: ``StartFailure`` where its files are damaged.
    static func load(dataDirectory: String) throws -> ControllerCertificates? {
        let directory = directory(of: dataDirectory)
        guard FileManager.default.fileExists(atPath: directory + "/ca.key") else { return nil }
        do {
            let certificate = try Certificate(pem: try text(directory + "/ca.pem"))
            let key = try SigningKey(pem: try text(directory + "/ca.key"))
            return ControllerCertificates(
                directory: directory, authority: try CertificateAuthority(certificate: certificate, key: key))
        } catch {
            throw StartFailure("cannot use the certificate authority in \(directory): \(error)")
        }
    }

    /// Makes what is not there yet, and a new server certificate in any case; the server's key stays.
    ///
    /// - Parameter hosts: what the server is reached as; nil for what its certificate says now, or this machine's name.
    static func certify(dataDirectory: String, hosts: [String]?, now: Timestamp) throws -> ControllerCertificates {
        let directory = directory(of: dataDirectory)
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let certificates = try load(dataDirectory: dataDirectory) ?? make(directory, now: now)
        try certificates.issueServer(hosts: hosts, now: now)
        return certificates
    }

    private static func make(_ directory: String, now: Timestamp) throws -> ControllerCertificates {
        let made = try CertificateAuthority.make(name: "Edge Orchestrator CA", from: now, days: authorityDays)
        // The key goes last: without it the authority counts as not made.
        try made.authority.certificate.pem().write(
            toFile: directory + "/ca.pem", atomically: true, encoding: .utf8)
        try SecretFile.write(try made.key.pem(), to: directory + "/ca.key", overwriting: false)
        return ControllerCertificates(directory: directory, authority: made.authority)
    }

    private func issueServer(hosts: [String]?, now: Timestamp) throws {
        let keyFile = directory + "/server.key"
        if !FileManager.default.fileExists(atPath: keyFile) {
            try SecretFile.write(try SigningKey.generate().pem(), to: keyFile, overwriting: false)
        }
        let key = try SigningKey(pem: try Self.text(keyFile))
        let names = hosts.map(Self.withLoopback) ?? serverCertificate?.hosts ?? Self.withLoopback(Self.ownNames)
        let certificate = try authority.issue(
            for: .server(hosts: names), key: key.publicKey, from: now, days: Self.serverDays)
        try certificate.pem().write(toFile: directory + "/server.pem", atomically: true, encoding: .utf8)
    }

    /// What others have to trust, PEM.
    var authorityPEM: String {
        get throws { try authority.certificate.pem() }
    }

    /// Who a client is by its certificate.
    ///
    /// One that has ended is told as it was: it still opens its own renewal, and nothing else.
    var clientCheck: ServerTLS.ClientCheck {
        { [authority] der in
            guard let certificate = try? Certificate(der: der), let uri = certificate.uri else { return nil }
            let now = SystemClock().now()
            let moment = min(now, certificate.expiresAt.adding(seconds: -1))
            guard authority.device(of: certificate, at: moment) != nil else { return nil }
            return PeerCertificate(
                uri: uri, keyFingerprint: certificate.keyFingerprint.hex,
                expiresAt: certificate.expiresAt.milliseconds / 1000)
        }
    }

    /// The server certificate there is; nil without one.
    var serverCertificate: Certificate? {
        (try? Self.text(directory + "/server.pem")).flatMap { try? Certificate(pem: $0) }
    }

    /// What to give to whom, for a terminal.
    func told(dataDirectory: String) -> String {
        let server = serverCertificate
        return """
            certificate authority  \(directory)/ca.pem (give it to edgectl by --ca-file)
            its fingerprint        \(authority.certificate.keyFingerprint.hex)
            server certificate     \(directory)/server.pem for \((server?.hosts ?? []).joined(separator: ", "))
            it ends                \(server?.expiresAt.description ?? "-")
            renew it with          edge-controller certify --data \(dataDirectory)
            serve with             --tls-cert \(directory)/server.pem --tls-key \(directory)/server.key
            Devices need no file: `edgectl token create --ca-file \(directory)/ca.pem` pins the authority in the token.
            """
    }

    /// This machine, for a controller whose names nobody gave.
    private static var ownNames: [String] {
        let name = (try? text("/proc/sys/kernel/hostname"))?.trimmingCharacters(in: .whitespacesAndNewlines)
        return [name].compactMap { $0 }
    }

    /// The names with those that only this machine uses.
    private static func withLoopback(_ names: [String]) -> [String] {
        names + ["localhost", "127.0.0.1", "::1"].filter { !names.contains($0) }
    }

    private static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
}

import Cryptography
import Fleet
import Foundation
import MicroHTTPServer

/// A private authority and files of what it issues, below a directory of its own.
final class TLSFixture: Sendable {
    let directory: String
    let authority: CertificateAuthority

    init() throws {
        directory = NSTemporaryDirectory() + "tls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        authority = try CertificateAuthority.make(name: "tests", from: Self.now, days: 3650).authority
        try authority.certificate.pem().write(toFile: directory + "/ca.pem", atomically: true, encoding: .utf8)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
    }

    static var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    var caFile: String { directory + "/ca.pem" }

    /// A certificate and its key, as PEM.
    func issue(
        _ purpose: CertificateAuthority.Purpose = .server(hosts: ["localhost", "127.0.0.1"]), days: Int = 30
    ) throws -> (certificate: String, key: String) {
        let key = try SigningKey.generate()
        let certificate = try authority.issue(for: purpose, key: key.publicKey, from: Self.now, days: days)
        return (try certificate.pem(), try key.pem())
    }

    /// The same in files; their paths.
    func files(
        _ name: String, _ purpose: CertificateAuthority.Purpose, days: Int = 30
    ) throws -> (certificate: String, key: String) {
        let issued = try issue(purpose, days: days)
        let paths = (certificate: "\(directory)/\(name).pem", key: "\(directory)/\(name).key")
        try issued.certificate.write(toFile: paths.certificate, atomically: true, encoding: .utf8)
        try issued.key.write(toFile: paths.key, atomically: true, encoding: .utf8)
        return paths
    }

    /// The TLS side of a server with a certificate of this authority.
    func serverTLS(
        days: Int = 30, asksClients: Bool = false, check: ServerTLS.ClientCheck? = nil
    ) throws -> ServerTLS {
        let issued = try issue(days: days)
        return try ServerTLS(
            certificate: Array(issued.certificate.utf8), key: Array(issued.key.utf8),
            clientAuthorities: asksClients ? try authority.certificate.pem() : nil, clientCheck: check)
    }
}

/// Runs `openssl s_client` against a port; whether the handshake succeeded, and what it printed.
func handshake(port: Int, _ options: [String]) throws -> (isDone: Bool, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["timeout", "10", "openssl", "s_client", "-connect", "127.0.0.1:\(port)"] + options
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let text = String(decoding: data, as: UTF8.self)
    return (text.contains("Cipher is ") && !text.contains("Cipher is (NONE)"), text)
}

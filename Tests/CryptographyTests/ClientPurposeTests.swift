import Fleet
import Foundation
import Testing

@testable import Cryptography

/// Certificates of the controller's own authority, made by `openssl`, that differ in what they are for alone.
@Suite struct ClientPurposeTests {
    private static let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))

    private func openssl(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "20", "openssl"] + arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    @Test(arguments: [
        ("clientAuth", true), ("clientAuth,serverAuth", true), ("serverAuth", false), ("codeSigning", false),
        ("timeStamping", false),
    ])
    func `a device's certificate counts only where it is for clients`(usage: String, counts: Bool) throws {
        let directory = NSTemporaryDirectory() + "purpose-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        func write(_ name: String, _ text: String) throws -> String {
            try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
            return "\(directory)/\(name)"
        }
        let made = try CertificateAuthority.make(name: "tests", from: Self.now, days: 30)
        let ca = try write("ca.pem", try made.authority.certificate.pem())
        let caKey = try write("ca.key", try made.key.pem())
        let key = try write("device.key", try SigningKey.generate().pem())
        let extensions = try write(
            "extensions",
            """
            basicConstraints=critical,CA:FALSE
            keyUsage=critical,digitalSignature
            extendedKeyUsage=\(usage)
            subjectAltName=URI:urn:edge:device:dev1
            """)
        let (request, certificate) = ("\(directory)/device.csr", "\(directory)/device.pem")
        try openssl("req", "-new", "-key", key, "-subj", "/CN=edge device", "-out", request)
        try openssl(
            "x509", "-req", "-in", request, "-CA", ca, "-CAkey", caKey, "-days", "10", "-extfile", extensions,
            "-out", certificate)
        let read = try Certificate(pem: try String(contentsOfFile: certificate, encoding: .utf8))
        let found = made.authority.device(of: read, at: Self.now.adding(seconds: 60))
        #expect(found == (counts ? try DeviceID("dev1") : nil))
    }
}

import Fleet
import Testing

@testable import Cryptography

@Suite struct CertificateTests {
    private static let start = Timestamp(milliseconds: 1_767_225_600_000)
    private let made: (authority: CertificateAuthority, key: SigningKey)

    init() throws {
        made = try CertificateAuthority.make(name: "tests", from: Self.start, days: 3650)
    }

    private func issue(_ purpose: CertificateAuthority.Purpose, days: Int = 60) throws -> Certificate {
        try made.authority.issue(
            for: purpose, key: try SigningKey.generate().publicKey, from: Self.start, days: days)
    }

    private func later(_ days: Double) -> Timestamp { Self.start.adding(seconds: days * 86_400) }

    @Test func `an authority is taken up again with its key, and with no other`() throws {
        let certificate = try Certificate(pem: try made.authority.certificate.pem())
        #expect(certificate.isAuthority && certificate.keyFingerprint == made.key.fingerprint)
        #expect(certificate.expiresAt == later(3650).adding(seconds: -3600))
        _ = try CertificateAuthority(certificate: certificate, key: try SigningKey(pem: try made.key.pem()))
        #expect(throws: CryptographyError.self) {
            try CertificateAuthority(certificate: certificate, key: try SigningKey.generate())
        }
        let server = try issue(.server(hosts: ["a"]))
        #expect(throws: CryptographyError.self) { try CertificateAuthority(certificate: server, key: made.key) }
    }

    @Test func `a server's certificate holds its names and addresses, and no other`() throws {
        let certificate = try issue(.server(hosts: ["edge.example", "10.0.0.7", "::1"]))
        #expect(certificate.hosts == ["edge.example", "10.0.0.7", "::1"])
        #expect(certificate.isFor(host: "edge.example") && certificate.isFor(host: "10.0.0.7"))
        #expect(!certificate.isFor(host: "other.example") && !certificate.isFor(host: "10.0.0.8"))
        #expect(!certificate.isAuthority && certificate.uri == nil)
    }

    @Test(arguments: ["", "a,DNS:b", "a b", "a\nb", "a:b", "ü", String(repeating: "x", count: 254)])
    func `a name that could be read as more than one is refused`(host: String) {
        #expect(throws: CryptographyError.self) { try issue(.server(hosts: [host])) }
    }

    @Test func `a device is known by its certificate while it holds`() throws {
        let device = try DeviceID("dev-1")
        let certificate = try Certificate(der: try issue(.device(device)).der())
        #expect(certificate.uri == "urn:edge:device:dev-1")
        #expect(made.authority.device(of: certificate, at: Self.start) == device)
        #expect(made.authority.device(of: certificate, at: later(59)) == device)
        #expect(made.authority.device(of: certificate, at: later(61)) == nil)
        #expect(made.authority.device(of: certificate, at: later(-1)) == nil)
    }

    @Test func `a certificate of another authority, of a server, or of the authority itself is no device`() throws {
        let other = try CertificateAuthority.make(name: "tests", from: Self.start, days: 3650).authority
        let foreign = try other.issue(
            for: .device(try DeviceID("dev-1")), key: made.key.publicKey, from: Self.start, days: 60)
        #expect(made.authority.device(of: foreign, at: Self.start) == nil)
        #expect(made.authority.device(of: try issue(.server(hosts: ["dev-1"])), at: Self.start) == nil)
        #expect(made.authority.device(of: made.authority.certificate, at: Self.start) == nil)
    }

    @Test func `a request proves its key, and a changed one does not`() throws {
        let key = try SigningKey.generate()
        let text = try CertificateRequest.pem(for: key)
        #expect(try CertificateRequest(pem: text).publicKey == key.publicKey)
        let lines = text.split(separator: "\n")
        let body = try #require(lines.dropFirst().dropLast().first.map(String.init))
        let changed = text.replacing(body, with: String(body.reversed()))
        #expect(throws: CryptographyError.self) { try CertificateRequest(pem: changed) }
        #expect(throws: CryptographyError.self) { try CertificateRequest(pem: "nonsense") }
    }

    @Test func `the signature of a request counts, not its form`() throws {
        let text = try CertificateRequest.pem(for: try SigningKey.generate())
        // The last bytes are the end of the signature: the form stays that of a request.
        let lines = text.split(separator: "\n").map(String.init)
        var last = Array(lines[lines.count - 2])
        let index = try #require(last.firstIndex { $0 != "=" })
        last[index] = last[index] == "A" ? "B" : "A"
        let changed = (lines.dropLast(2) + [String(last), lines[lines.count - 1]]).joined(separator: "\n") + "\n"
        #expect(throws: CryptographyError.self) { try CertificateRequest(pem: changed) }
    }

    @Test func `every certificate of a file is read`() throws {
        let texts = try [made.authority.certificate.pem(), try issue(.server(hosts: ["a"])).pem()]
        #expect(try Certificate.all(inPEM: "comment\n" + texts.joined(separator: "\n")).count == 2)
        #expect(try Certificate.all(inPEM: "none").isEmpty)
        #expect(throws: CryptographyError.self) { try Certificate.all(inPEM: "-----BEGIN CERTIFICATE-----\nxx\n") }
    }
}

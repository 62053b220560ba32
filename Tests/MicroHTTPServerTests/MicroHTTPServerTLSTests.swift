import Cryptography
import CurlClient
import Fleet
import Foundation
import MicroHTTPServer
import Synchronization
import Testing
import WebMessages

@Suite struct MicroHTTPServerTLSTests {
    private let tls: TLSFixture

    init() throws {
        tls = try TLSFixture()
    }

    private func fixture(_ side: ServerTLS) throws -> ServerFixture {
        try ServerFixture(
            configure: { $0.tls = side }, answer: { request in .text(request.peerCertificate?.uri ?? "-") })
    }

    private func get(_ fixture: ServerFixture, _ settings: CurlTLS, host: String = "127.0.0.1") throws -> CurlResponse {
        var request = CurlRequest(url: "https://\(host):\(fixture.server.port)/")
        request.tls = settings
        return try fixture.client.send(request)
    }

    @Test func `a client that trusts the authority is served`() throws {
        let fixture = try fixture(try tls.serverTLS())
        #expect(try get(fixture, CurlTLS(caFile: tls.caFile)).text == "-")
        #expect(try get(fixture, CurlTLS(caFile: tls.caFile), host: "localhost").status == 200)
    }

    @Test func `a client of another authority refuses and is told what to do`() throws {
        let other = try TLSFixture()
        let fixture = try fixture(try tls.serverTLS())
        #expect {
            try get(fixture, CurlTLS(caFile: other.caFile))
        } throws: { error in
            let text = "\(error)"
            return text.contains("code 60") && text.contains("--ca-file") && !text.contains("may succeed later")
        }
        #expect(eventually { fixture.observer.rejected == [.handshakeFailed] })
    }

    @Test func `one who only looks whether the port is open is not counted, nor one who leaves after the handshake`()
        throws
    {
        let fixture = try fixture(try tls.serverTLS())
        for _ in 1...20 { _ = try fixture.connect() }
        #expect(try handshake(port: fixture.server.port, ["-tls1_2"]).isDone)
        #expect(try handshake(port: fixture.server.port, ["-tls1_3"]).isDone)
        #expect(eventually { fixture.server.openConnectionCount == 0 })
        #expect(fixture.observer.rejected == [])
    }

    @Test func `who leaves at once after what is no handshake is counted each time`() throws {
        let fixture = try fixture(try tls.serverTLS())
        for _ in 1...50 { try fixture.connect().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        #expect(eventually { fixture.observer.rejected == Array(repeating: .handshakeFailed, count: 50) })
    }

    @Test func `a file of 20 MB and a held request pass through TLS unharmed`() throws {
        let file = try TemporaryFile((0..<20_000_000).map { UInt8($0 % 251) })
        let held = HeldAnswers()
        let handler = ClosureHandler { request, respond in
            guard request.path == "/file" else { return held.hold(respond) }
            respond(WebResponse(status: 200, body: .file(path: file.path, offset: 0, length: 20_000_000)))
        }
        let side = try tls.serverTLS()
        let fixture = try ServerFixture(handler) { $0.tls = side }
        var request = CurlRequest(url: "https://127.0.0.1:\(fixture.server.port)/file")
        request.tls = CurlTLS(caFile: tls.caFile)
        var received: [UInt8] = []
        try fixture.client.download(request) { received += $0 }
        #expect(received == file.bytes)
        request.url = "https://127.0.0.1:\(fixture.server.port)/held"
        let answering = Thread {
            _ = eventually { fixture.server.heldRequestCount == 1 }
            held.answerAll("at last")
        }
        answering.start()
        #expect(try fixture.client.send(request).text == "at last")
    }

    @Test(arguments: ["-tls1", "-tls1_1"]) func `an old version of the protocol is refused`(version: String) throws {
        let fixture = try fixture(try tls.serverTLS())
        #expect(try !handshake(port: fixture.server.port, [version, "-cipher", "ALL:@SECLEVEL=0"]).isDone)
        #expect(eventually { fixture.observer.rejected == [.handshakeFailed] })
    }

    @Test(arguments: [
        "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-CCM",
        "AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256", "eNULL:aNULL:@SECLEVEL=0",
    ]) func `a suite of TLS 1.2 without forward secrecy and authentication is refused`(suite: String) throws {
        let fixture = try fixture(try tls.serverTLS())
        #expect(try !handshake(port: fixture.server.port, ["-tls1_2", "-cipher", suite]).isDone)
    }

    @Test(arguments: [
        ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
        ["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"],
        ["-tls1_2"], ["-tls1_3"],
    ]) func `a modern handshake is made`(options: [String]) throws {
        let fixture = try fixture(try tls.serverTLS())
        #expect(try handshake(port: fixture.server.port, options).isDone)
    }

    @Test func `a new certificate is shown without a restart, and connections that are open live on`() throws {
        let side = try tls.serverTLS(days: 30)
        let fixture = try fixture(side)
        let settings = CurlTLS(caFile: tls.caFile)
        _ = try get(fixture, settings)
        let before = side.certificateExpiresAt
        let next = try tls.issue(days: 300)
        try side.replace(certificate: Array(next.certificate.utf8), key: Array(next.key.utf8))
        #expect(side.certificateExpiresAt > before + 200 * 86_400)
        let shown = try handshake(port: fixture.server.port, ["-showcerts"]).text
        #expect(shown.contains(next.certificate.split(separator: "\n")[3]))
        #expect(try get(fixture, settings).status == 200)
        #expect(fixture.server.openConnectionCount == 1)
    }

    @Test func `a key of another certificate is refused, and what was shown stays`() throws {
        let side = try tls.serverTLS()
        let (one, other) = (try tls.issue(), try tls.issue())
        #expect(throws: TLSFault.mismatch) {
            try side.replace(certificate: Array(one.certificate.utf8), key: Array(other.key.utf8))
        }
        #expect(throws: TLSFault.self) { try side.replace(certificate: [1, 2], key: Array(one.key.utf8)) }
        #expect {
            try side.replace(certificate: Array(one.certificate.utf8), key: Array("nonsense".utf8))
        } throws: { error in
            guard case .keyUnreadable = error as? TLSFault else { return false }
            return true
        }
        let fixture = try fixture(side)
        #expect(try get(fixture, CurlTLS(caFile: tls.caFile)).status == 200)
    }

    @Test func `a client is known by its certificate, and by none where it shows none or another's`() throws {
        let authority = tls.authority
        let side = try tls.serverTLS(asksClients: true) { der in
            guard let certificate = try? Certificate(der: der),
                let device = authority.device(of: certificate, at: TLSFixture.now)
            else { return nil }
            return PeerCertificate(uri: "device \(device)", keyFingerprint: "", expiresAt: 0)
        }
        let fixture = try fixture(side)
        let device = try tls.files("device", .device(try DeviceID("dev1")))
        let other = try TLSFixture()
        let foreign = try other.files("foreign", .device(try DeviceID("dev2")))
        let server = try tls.files("server", .server(hosts: ["dev3"]))
        func told(_ files: (certificate: String, key: String)?) throws -> String {
            var settings = CurlTLS(caFile: tls.caFile)
            settings.clientCertificateFile = files?.certificate
            settings.clientKeyFile = files?.key
            return try get(fixture, settings).text
        }
        #expect(try told(device) == "device dev1")
        #expect(try told(device) == "device dev1")
        #expect(try told(nil) == "-")
        #expect(try told(server) == "-")
        #expect(try told(foreign) == "-")
        withExtendedLifetime(other) {}
    }

    @Test func `plain HTTP on a TLS port ends without an answer`() throws {
        let fixture = try fixture(try tls.serverTLS())
        #expect(throws: CurlError.self) { try fixture.get("/") }
        #expect(eventually { fixture.observer.rejected == [.handshakeFailed] })
        #expect(try get(fixture, CurlTLS(caFile: tls.caFile)).status == 200)
        #expect(fixture.observer.rejected == [.handshakeFailed])
    }

    @Test func `many clients at once are each served`() throws {
        let fixture = try fixture(try tls.serverTLS())
        let served = Mutex<[Int]>([])
        DispatchQueue.concurrentPerform(iterations: 200) { _ in
            guard let response = try? get(fixture, CurlTLS(caFile: tls.caFile)) else { return }
            served.withLock { $0.append(response.status) }
        }
        #expect(served.withLock { $0 } == Array(repeating: 200, count: 200))
    }
}

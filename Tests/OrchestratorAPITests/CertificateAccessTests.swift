import Fleet
import Synchronization
import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

/// Devices that are known by their client certificate.
@Suite struct CertificateAccessTests {
    private let api = TestAPI()

    private func send(
        _ method: String, _ path: String, uri: String = "urn:edge:device:dev1", key: Digest = TestAPI.digest([7]),
        endsIn seconds: Int64 = 60, bearer: String? = nil, json: String? = nil
    ) throws -> WebResponse {
        var request = TestAPI.request(method, path, as: bearer, json: json)
        request.peerCertificate = PeerCertificate(
            uri: uri, keyFingerprint: key.hex, expiresAt: Sample.now.milliseconds / 1000 + seconds)
        return try api.send(request)
    }

    private static let renewal = #"{"certificateRequest": "csr"}"#

    @Test func `a certificate is a device's credential`() throws {
        let told = try send("GET", "/v1/whoami").decoded(CallerResource.self)
        #expect(told.kind == .device && told.device == Sample.device)
    }

    @Test func `it opens what is the device's own, and nothing else`() throws {
        #expect(try send("GET", "/v1/devices/dev1/assignment").status == 200)
        #expect(try send("GET", "/v1/devices/dev2/assignment").problem().code == "other_device")
        #expect(try send("GET", "/v1/devices").status == 403)
    }

    @Test(arguments: [
        "urn:edge:device:dev2", "urn:edge:device:", "dev1", "urn:edge:devices:dev1", "", "urn:edge:device:a b",
    ])
    func `another name than the device's is nobody`(uri: String) throws {
        #expect(try send("GET", "/v1/whoami", uri: uri).problem().code == "certificate_unknown")
        #expect(api.observer.heard.withLock { $0.refused } == [.unknown])
    }

    @Test func `another key than the one on record is nobody`() throws {
        #expect(try send("GET", "/v1/whoami", key: TestAPI.digest([8])).problem().code == "certificate_unknown")
    }

    @Test func `one that has ended opens its renewal alone`() throws {
        #expect(try send("GET", "/v1/whoami", endsIn: 0).problem().code == "certificate_expired")
        #expect(try send("GET", "/v1/devices/dev1/assignment", endsIn: -1).status == 401)
        let renewed = try send("POST", "/v1/devices/dev1/certificate", endsIn: -86_400, json: Self.renewal)
        #expect(renewed.status == 201)
        #expect(try renewed.decoded(DeviceCertificate.self).certificate == "pem")
        #expect(try send("POST", "/v1/devices/dev2/certificate", endsIn: -1, json: Self.renewal).status == 403)
    }

    @Test func `a bearer credential counts before a certificate`() throws {
        let told = try send("GET", "/v1/whoami", bearer: "eok_viewer").decoded(CallerResource.self)
        #expect(told.kind == .person)
        #expect(try send("GET", "/v1/whoami", bearer: "eok_revoked").status == 401)
    }
}

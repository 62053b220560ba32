import Fleet
import Orchestration
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

    @Test func `a barred device is told why on its next request, whatever it asks`() throws {
        let standing = DeviceStanding(.revoked, reason: "stolen", since: Sample.now, by: "ada")
        api.fleet.set { $0.bars[.anything] = standing }
        let refused = try send("GET", "/v1/devices/dev1/assignment")
        #expect(refused.status == 403)
        let told = try refused.problem()
        #expect(told.code == "device_revoked" && told.detail.contains("stolen"))
        #expect(try send("POST", "/v1/devices/dev1/certificate", json: Self.renewal).status == 403)
        #expect(api.observer.heard.withLock { $0.refused } == [.barred, .barred])
    }

    @Test func `a token that was left for a certificate opens the certificate's route alone`() throws {
        let standing = DeviceStanding(.revoked, reason: "has a certificate", since: Sample.now, by: "controller")
        api.fleet.set { $0.bars[.bearerToken] = standing }
        #expect(try api.send("GET", "/v1/devices/dev1/assignment", as: "edt_dev1").status == 403)
        let path = "/v1/devices/dev1/certificate"
        #expect(try api.send("POST", path, as: "edt_dev1", json: Self.renewal).status == 201)
        #expect(try send("GET", "/v1/devices/dev1/assignment").status == 200)
    }

    @Test func `a device in quarantine gets no artifact`() throws {
        api.fleet.set { $0.bars[.artifact] = DeviceStanding(.quarantined, reason: "two", since: Sample.now, by: "c") }
        #expect(try send("GET", "/v1/artifacts/\(Sample.digest)").problem().code == "device_quarantined")
        #expect(try send("GET", "/v1/devices/dev1/assignment").status == 200)
    }
}

import Fleet
import Rollouts
import Synchronization
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

@Suite struct DeviceCertificateTests {
    private let world: World
    private let device = DeviceID(rawValue: "a")

    init() throws {
        world = try World()
        world.cryptography.issuesCertificates.store(true, ordering: .relaxed)
    }

    private func enrol(request: String?, device: String = "a") throws -> EnrolmentReply {
        let token = try world.controller.createToken(EnrolmentTokenRequest(), by: world.person)
        return try world.controller.enrol(
            EnrolmentRequest(
                token: try #require(token.secret), device: try DeviceID(device), labels: Labels(), agentVersion: "1",
                certificateRequest: request))
    }

    private func key(_ request: String) -> Digest { world.cryptography.digest(Array(request.utf8)) }

    @Test func `a device that asks for a certificate gets one instead of a token, and is known by its key alone`()
        throws
    {
        let reply = try enrol(request: "mine")
        let device = try #require(device)
        #expect(reply.certificate == "certificate of a" && reply.deviceToken == nil)
        #expect(world.controller.caller(device: device, certificateKey: key("mine")) == .device(device))
        #expect(world.controller.caller(device: device, certificateKey: key("other")) == nil)
        #expect(world.controller.caller(device: try DeviceID("b"), certificateKey: key("mine")) == nil)
    }

    @Test func `a retired device's certificate opens nothing from that moment on`() throws {
        _ = try enrol(request: "mine")
        let device = try #require(device)
        try world.controller.retire(device, by: world.person)
        #expect(world.controller.caller(device: device, certificateKey: key("mine")) == nil)
        #expect {
            try world.controller.renewCertificate(CertificateRenewal(certificateRequest: "mine"), of: device)
        } throws: { ($0 as? Problem)?.status == 404 }
    }

    @Test func `a certificate is renewed for the key it was issued for, and for no other`() throws {
        _ = try enrol(request: "mine")
        let device = try #require(device)
        let renewed = try world.controller.renewCertificate(
            CertificateRenewal(certificateRequest: "mine"), of: device)
        #expect(renewed.certificate == "certificate of a")
        #expect {
            try world.controller.renewCertificate(CertificateRenewal(certificateRequest: "other"), of: device)
        } throws: { ($0 as? Problem)?.code == "certificate_not_renewed" }
        #expect(world.controller.caller(device: device, certificateKey: key("mine")) == .device(device))
    }

    @Test func `a device that joined with a token gets a certificate without a new enrolment, and leaves its token`()
        throws
    {
        let reply = try enrol(request: nil)
        let device = try #require(device)
        #expect(reply.deviceToken != nil && reply.certificate == nil)
        #expect(world.controller.bar(on: device, using: .bearerToken) == nil)
        let renewal = CertificateRenewal(certificateRequest: "mine")
        #expect(try world.controller.renewCertificate(renewal, of: device).certificate == "certificate of a")
        #expect(world.controller.caller(device: device, certificateKey: key("mine")) == .device(device))
        let left = world.controller.bar(on: device, using: .bearerToken)
        #expect(left?.code == "device_token_left" && left?.detail.contains("revoked") == false)
        #expect(left?.detail.contains("`edgectl device replace \(device)`") == true, "what to do where the key is lost")
        #expect(world.controller.bar(on: device, using: .anything) == nil)
        // A lost reply is asked for again, with the same key alone.
        #expect(try world.controller.renewCertificate(renewal, of: device).certificate == "certificate of a")
        #expect {
            try world.controller.renewCertificate(CertificateRenewal(certificateRequest: "other"), of: device)
        } throws: { ($0 as? Problem)?.status == 409 }
        let moves = try world.store.audit(after: 0, limit: 100).filter { $0.action == "device.certify" }
        #expect(moves.map(\.actor) == ["device:a"])
    }

    @Test func `where no certificates are issued a token is given`() throws {
        world.cryptography.issuesCertificates.store(false, ordering: .relaxed)
        let reply = try enrol(request: "mine")
        #expect(reply.deviceToken != nil && reply.certificate == nil)
    }

    @Test func `a request that cannot be used is refused by its field, and the token is still good`() throws {
        #expect { try enrol(request: "nonsense") } throws: { error in
            (error as? Problem)?.faults.map(\.field) == ["certificateRequest"]
        }
        #expect(world.controller.tokens().first?.usesLeft == 1)
    }
}

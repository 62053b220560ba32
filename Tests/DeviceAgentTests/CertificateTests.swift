import Fleet
import Testing

@testable import DeviceAgent
@testable import SimulatedWorld

@Suite struct CertificateTests {
    @Test(arguments: [(0.0, 40.0), (0.5, 42.5), (0.999, 44.995)])
    func `a certificate of 60 days is renewed from the fortieth day on, spread over five`(
        chance: Double, day: Double
    ) {
        let start = Timestamp(milliseconds: 1_000_000)
        let schedule = CertificateSchedule(startsAt: start, expiresAt: start.adding(seconds: 60 * 86_400))
        let renewal = schedule.renewal(chance: chance)
        #expect(abs(Double(renewal.milliseconds - start.milliseconds) / 86_400_000 - day) < 0.001)
    }

    @Test func `a certificate whose end is before its start is renewed at once`() {
        let start = Timestamp(milliseconds: 1_000_000)
        let schedule = CertificateSchedule(startsAt: start, expiresAt: start.adding(seconds: -5))
        #expect(schedule.renewal(chance: 0.9) == start)
    }

    @Test func `the device's key is made once`() throws {
        let store = MembershipStore(files: MemoryDisk())
        #expect(try store.deviceKey { "first" } == "first")
        #expect(try store.deviceKey { "second" } == "first")
    }

    @Test func `a renewed certificate takes the place of the one before, wherever the power is cut`() throws {
        let disk = MemoryDisk()
        let store = MembershipStore(files: disk)
        let old = try store.saveCertificate("old", expiresAt: Timestamp(milliseconds: 5000))
        var identity = DeviceIdentity(
            device: try DeviceID("a"), deviceToken: nil, certificate: old, controllerURL: "https://c")
        try store.save(Membership(identity: identity, keys: TrustedKeys(assignmentKey: "k", publisherKeys: [])))
        let new = try store.saveCertificate("new", expiresAt: Timestamp(milliseconds: 9000))
        let named = try #require(try store.load()?.identity.certificate)
        #expect(try disk.read(named) == Array("old".utf8), "before the identity names it, the old one counts")
        identity.certificate = new
        try store.renew(identity)
        #expect(try store.load()?.identity == identity)
        #expect(try disk.read(new) == Array("new".utf8))
        #expect(try disk.read(old) == nil)
    }

    @Test func `an identity of before certificates is read`() throws {
        let text = #"{"device": "a", "deviceToken": "edt_1", "controllerURL": "http://c"}"#
        let identity = try JSONCoding.decode(DeviceIdentity.self, from: Array(text.utf8))
        #expect(identity.deviceToken == "edt_1" && identity.certificate == nil)
    }
}

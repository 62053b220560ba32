import Cryptography
import DeviceAgent
import DeviceFiles
import Fleet
import FoundationEssentials
import Synchronization
import WireFormat

/// Renews the device's certificate before it ends, and after: the controller takes an ended one for that alone.
final class CertificateRenewalLoop: Sendable {
    private let identity: Mutex<DeviceIdentity>
    private let authority: ControllerAuthority
    private let files: StateDirectory
    private let link: ControllerLink
    private let log: StandardErrorLog
    /// Whether a device with a bearer token is to get a certificate.
    private let wantsCertificate: Bool
    /// Where in the spread of a fleet this device renews, in 0..<1.
    private let chance = Double.random(in: 0..<1)
    private let isStopped = Atomic(false)
    private let bell = Doorbell()

    /// How often it is looked whether the time has come, and how soon a failed renewal is tried again, seconds.
    private static let lookSeconds = 60.0

    init(
        identity: DeviceIdentity, authority: ControllerAuthority, files: StateDirectory, link: ControllerLink,
        wantsCertificate: Bool, log: StandardErrorLog
    ) {
        self.wantsCertificate = wantsCertificate
        self.identity = Mutex(identity)
        self.authority = authority
        self.files = files
        self.link = link
        self.log = log
    }

    /// Runs until ``stop()``; ends at once on a device that has no certificate and wants none.
    func run() {
        guard identity.withLock({ $0.certificate }) != nil || wantsCertificate else { return }
        // Relaxed: the flag carries no other data.
        while !isStopped.load(ordering: .relaxed) {
            do {
                try renewIfDue()
            } catch let problem as Problem where problem.status == 409 && identity.withLock({ $0.certificate }) == nil {
                log.note(.info, "certificate_not_offered", ["detail": problem.detail])
                return
            } catch {
                log.note(.warning, "certificate_not_renewed", ["error": "\(error)"])
            }
            _ = bell.wait(seconds: Self.lookSeconds)
        }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        bell.ring()
    }

    /// A device that joined with a bearer token gets a certificate for its own key, without a new enrolment.
    ///
    /// A controller that issues none refuses with 409; it is asked again at the next start.
    private func moveToCertificate() throws {
        var known = identity.withLock { $0 }
        let store = MembershipStore(files: files)
        let key = try store.deviceKey { try SigningKey.generate().pem() }
        let request = try CertificateRequest.pem(for: try SigningKey(pem: key))
        let reply = try link.renewCertificate(CertificateRenewal(certificateRequest: request))
        let fresh = try Certificate(pem: reply.certificate)
        known.certificate = try store.saveCertificate(reply.certificate, expiresAt: fresh.expiresAt)
        known.deviceToken = nil
        try store.renew(known)
        identity.withLock { $0 = known }
        link.use(authority.tls(for: known))
        link.dropToken()
        log.note(.info, "certificate_instead_of_token", ["expiresAt": "\(fresh.expiresAt)"])
    }

    private func renewIfDue() throws {
        var known = identity.withLock { $0 }
        guard known.certificate != nil else {
            try moveToCertificate()
            return
        }
        guard let path = known.certificate, let text = try files.read(path) else { return }
        let certificate = try Certificate(pem: String(decoding: text, as: UTF8.self))
        let schedule = CertificateSchedule(startsAt: certificate.startsAt, expiresAt: certificate.expiresAt)
        let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        guard now >= schedule.renewal(chance: chance) else { return }
        let store = MembershipStore(files: files)
        let key = try store.deviceKey { throw EnrolmentFault(description: "the device's private key is gone") }
        let request = try CertificateRequest.pem(for: try SigningKey(pem: key))
        let reply = try link.renewCertificate(CertificateRenewal(certificateRequest: request))
        let fresh = try Certificate(pem: reply.certificate)
        known.certificate = try store.saveCertificate(reply.certificate, expiresAt: fresh.expiresAt)
        try store.renew(known)
        identity.withLock { $0 = known }
        link.use(authority.tls(for: known))
        log.note(.info, "certificate_renewed", ["expiresAt": "\(fresh.expiresAt)"])
    }
}

import Cryptography
import CurlClient
import DeviceAgent
import DeviceFiles
import EdgeOrchestrator
import Fleet
import FoundationEssentials

/// The certificate authority by which the controller is verified: the one configured, or the one that the enrolment
/// token pinned.
struct ControllerAuthority {
    let configuration: AgentConfiguration
    let files: StateDirectory

    /// How the controller is verified now: by the configured file, by the pinned authority, or by the system's.
    var tls: CurlTLS {
        if let file = configuration.caFile { return CurlTLS(caFile: file) }
        let pinned = files.absolute(StateLayout.certificateAuthority)
        return CurlTLS(caFile: FileManager.default.fileExists(atPath: pinned) ? pinned : nil)
    }

    /// The same, showing the device's certificate where it has one.
    func tls(for identity: DeviceIdentity) -> CurlTLS {
        var tls = tls
        if let certificate = identity.certificate {
            tls.clientCertificateFile = files.absolute(certificate)
            tls.clientKeyFile = files.absolute(StateLayout.deviceKey)
        }
        return tls
    }

    /// Makes sure that the authority of the token is the one that counts.
    ///
    /// A configured file must hold it. Without a file the controller is asked for it over a connection that is not
    /// trusted yet and carries no secret: what it answers counts only with the pinned fingerprint.
    ///
    /// - Throws: ``EnrolmentFault`` where it is another authority; what fetching it throws.
    func establish(pin: Digest?, url: String) throws {
        guard let pin, url.hasPrefix("https://") else { return }
        if let file = configuration.caFile {
            let text = try String(contentsOfFile: file, encoding: .utf8)
            guard try Certificate.all(inPEM: text).contains(where: { $0.keyFingerprint == pin }) else {
                throw EnrolmentFault(
                    description: "\(file) does not hold the certificate authority that the enrolment token pins "
                        + "(\(pin.hex)): leave --ca-file out to use the pinned one, or make a new token with "
                        + "`edgectl token create --ca-file` for this authority")
            }
            return
        }
        var unverified = CurlTLS()
        unverified.verifiesServer = false
        let told = try DeviceConnection(
            controllerURL: url, device: configuration.settings.device, deviceToken: nil, tls: unverified
        ).certificateAuthority()
        guard let authority = try Certificate.all(inPEM: told).first, authority.keyFingerprint == pin else {
            throw EnrolmentFault(
                description: "the certificate authority that \(url) presents is not the one the enrolment token pins "
                    + "(\(pin.hex)): this is another controller, or somebody stands between; nothing was sent")
        }
        try MembershipStore(files: files).saveAuthority(try authority.pem())
    }
}

import ArgumentParser

/// `edge-controller certify`: a private certificate authority and a server certificate, or a renewed one.
struct CertifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certify",
        abstract: "Make or renew the server certificate of the controller's own certificate authority.",
        discussion: """
            The authority and all private keys are made once and never overwritten. A controller that is running shows \
            the renewed certificate within seconds.
            """)

    @Option(help: "Where the controller keeps its data.")
    var data = ControllerDefaults.dataDirectory

    @Option(name: .customLong("host"), help: "A name or address the controller is reached at; may be repeated.")
    var hosts: [String] = []

    func run() throws {
        let certificates = try ControllerCertificates.certify(
            dataDirectory: data, hosts: hosts.isEmpty ? nil : hosts, now: SystemClock().now())
        print(certificates.told(dataDirectory: data))
    }
}

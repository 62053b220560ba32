import ChildProcesses
import Cryptography
import DeviceAgent
import DeviceFiles
import EdgeOrchestrator
import FoundationEssentials
import Logging

/// The running agent: one thread per loop, and a stop that is bounded in time.
struct AgentProcess {
    /// How long a stop may take before the process ends anyway, seconds; supervisors kill after more.
    static let stopSeconds = 4.5

    private let configuration: AgentConfiguration
    private let log = StandardErrorLog(Logger(label: "edge-agent"))

    init(_ configuration: AgentConfiguration) {
        self.configuration = configuration
    }

    /// Runs until SIGTERM or SIGINT.
    func run() throws {
        TerminationSignals.block()
        let killSwitch = try EnvironmentKillSwitch(ProcessInfo.processInfo.environment)
        let files = try StateDirectory(root: absolute(configuration.statePath))
        let stopSignal = StopSignal()
        let enrolment = EnrolmentCall(configuration: configuration, files: files, log: log)
        guard let membership = try enrolment.membership(unless: { stopSignal.isRaised }) else { return }
        let authority = ControllerAuthority(configuration: configuration, files: files)
        let link = ControllerLink(
            DeviceConnection(
                controllerURL: configuration.controllerURL ?? membership.identity.controllerURL,
                device: membership.identity.device, deviceToken: membership.identity.deviceToken,
                tls: authority.tls(for: membership.identity)),
            bytesPerSecond: configuration.downloadBytesPerSecond)
        let agent = try Agent(
            settings: configuration.settings,
            services: AgentServices(
                files: files, controller: link,
                verifier: try DeviceTrust<PublicKey, SHA256>(
                    membership.keys, device: membership.identity.device, files: files, hashing: SHA256()),
                probe: RuntimeEndpoint(port: configuration.settings.runtime.port),
                launcher: ProcessLauncher(logPath: files.absolute("runtime.log")), clock: SystemClock(),
                chance: SystemChance(), log: log, sensors: LinuxSensors(), killSwitch: killSwitch))
        log.note(
            .info, "agent_started",
            ["device": "\(membership.identity.device)", "model": "\(configuration.settings.model)"])
        let renewal = CertificateRenewalLoop(
            identity: membership.identity, authority: authority, files: files, link: link,
            wantsCertificate: membership.identity.controllerURL.hasPrefix("https://")
                && !configuration.usesBearerToken, log: log)
        serve(agent, link, renewal, until: stopSignal)
    }

    private func serve(
        _ agent: Agent, _ link: ControllerLink, _ renewal: CertificateRenewalLoop, until stopSignal: StopSignal
    ) {
        let loops = [
            LoopThread("certificate", renewal.run),
            LoopThread("supervisor", agent.superviseRuntime), LoopThread("updates", agent.updateLoop),
            LoopThread("heartbeats", agent.heartbeatLoop), LoopThread("assignments", agent.assignmentLoop),
            LoopThread("reports", agent.reportLoop),
        ]
        for loop in loops { loop.start() }
        stopSignal.wait()
        log.note(.info, "agent_stopping", [:])
        agent.stop()
        renewal.stop()
        link.cancel()
        let deadline = ContinuousClock.now + .seconds(Self.stopSeconds)
        for loop in loops where !loop.join(by: deadline) {
            log.note(.warning, "loop_still_busy", ["loop": loop.name])
        }
        log.note(.info, "agent_stopped", [:])
    }

    private func absolute(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.path
    }
}

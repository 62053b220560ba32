import ArgumentParser
import Cryptography
import Dispatch
import Foundation
import Glibc
import MicroHTTPServer
import Orchestration
import OrchestratorAPI
import PrometheusExposition
import WebMessages

/// `edge-controller serve`: the API, the metrics and the tick loop, until SIGTERM or SIGINT.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve the API and /metrics, judge rollouts, and roll back what does harm.")

    @OptionGroup var options: ServeOptions

    func run() throws {
        let configuration = try ServeConfiguration(options, environment: ProcessInfo.processInfo.environment)
        let running = try RunningController(configuration)
        let looks = DispatchQueue(label: "files")
        let signals = [SIGTERM, SIGINT, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let isReload = number == SIGHUP
            let source = DispatchSource.makeSignalSource(signal: number, queue: isReload ? looks : .global())
            source.setEventHandler { isReload ? running.reloadFiles() : running.stop() }
            source.resume()
            return source
        }
        let timer = DispatchSource.makeTimerSource(queue: looks)
        timer.schedule(deadline: .now() + ServedCertificate.lookInterval, repeating: ServedCertificate.lookInterval)
        timer.setEventHandler { running.reloadFiles() }
        timer.resume()
        let issuerLooks = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "issuer"))
        issuerLooks.schedule(deadline: .now(), repeating: .seconds(60))
        issuerLooks.setEventHandler { running.refreshIssuer() }
        issuerLooks.resume()
        running.waitUntilStopped()
        timer.cancel()
        issuerLooks.cancel()
        signals.forEach { $0.cancel() }
    }
}

/// The parts of a controller that run, and how they stop: within five seconds, whatever is under way.
final class RunningController: Sendable {
    private let log: ControllerLog
    private let loop: TickLoop
    private let retention: RetentionLoop
    private let controller: FleetController
    private let pool: WorkerPool
    private let servers: [MicroHTTPServer]
    private let certificate: ServedCertificate?
    private let issuer: ServedIssuer?
    private let stopped = DispatchSemaphore(value: 0)

    init(_ configuration: ServeConfiguration) throws {
        OpenFileLimit.raise()
        let metrics = MetricRegistry()
        log = ControllerLog(level: configuration.logLevel, writesJSON: configuration.logsJSON, metrics: metrics)
        let certificates = try ControllerCertificates.load(dataDirectory: configuration.dataDirectory)
        let devices = configuration.tls == nil ? nil : certificates
        issuer = try configuration.issuerFile.map { [log] file in
            try ServedIssuer(file, log: log, metrics: metrics)
        }
        controller = try ControllerAssembly(
            dataDirectory: configuration.dataDirectory, database: configuration.database, log: log, metrics: metrics,
            deviceAuthority: devices?.authority, issuer: issuer, retention: configuration.retention
        ).controller
        pool = WorkerPool()
        certificate = try configuration.tls.map { [log] files in
            try ServedCertificate(files, devices: devices, log: log, metrics: metrics)
        }
        let exposition = MetricsPage(
            controller: controller, registry: metrics,
            tls: certificate.map { (configuration.tlsListeners, $0.tls) })
        let wiring = ServerWiring(
            controller: controller, pool: pool, metrics: metrics, log: log, page: exposition, tls: certificate,
            authority: try certificates?.authorityPEM, limiter: configuration.limiter)
        servers = wiring.servers(configuration)
        loop = TickLoop(controller)
        retention = RetentionLoop(controller)
        for server in servers { try server.start() }
        loop.start()
        retention.start()
        log.info(
            "serving",
            [
                "address": "\(configuration.listen.host):\(servers[0].port)",
                "data": configuration.dataDirectory,
                "database": configuration.database.told(dataDirectory: configuration.dataDirectory),
                "version": BuildFacts.version,
            ])
        for address in configuration.exposedWithoutTLS {
            log.warning(
                "plain HTTP on an address that others reach",
                ["address": address, "remedy": "give --tls-cert and --tls-key; edge-controller certify makes them"])
        }
        if !controller.hasOperators {
            log.warning(
                "nobody can operate this controller",
                ["remedy": "stop it and run edge-controller init --data \(configuration.dataDirectory)"])
        }
    }

    func waitUntilStopped() {
        stopped.wait()
    }

    /// Reads the certificate's files and the issuer's again, where they are named and changed.
    func reloadFiles() {
        certificate?.reload()
        issuer?.reload()
    }

    /// Fetches the keys of the issuer of operators' tokens, where they are old.
    func refreshIssuer() { issuer?.refreshIfOld(at: SystemClock().now()) }

    func stop() {
        log.info("stopping", [:])
        controller.expireWaits(everyone: true)
        for server in servers { server.stop(withinSeconds: 2) }
        if !retention.stop() { log.warning("the removal under way did not end in time", [:]) }
        if !loop.stop() { log.warning("the tick under way did not end in time", [:]) }
        // What came in since the last tick is committed, so that devices need not send it again.
        do {
            try controller.tick()
            try controller.sealAudit()
        } catch {
            log.error("the last tick failed", ["error": "\(error)"])
        }
        _ = pool.stop(withinSeconds: 1)
        log.info("stopped", [:])
        stopped.signal()
    }
}

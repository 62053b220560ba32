import Fleet
import Foundation
import MicroHTTPServer
import Orchestration
import OrchestratorAPI
import PrometheusExposition
import Synchronization
import WebMessages

/// Puts servers before the API, and counts what they do.
struct ServerWiring {
    let controller: FleetController
    let pool: WorkerPool
    let metrics: MetricRegistry
    let log: ControllerLog
    let page: MetricsPage
    let tls: ServedCertificate?
    /// PEM of the controller's own certificate authority, if it has one.
    let authority: String?
    /// How often each operator may call, on all listeners together.
    let limiter: CallLimiter?

    /// Every listener that a configuration asks for, the API's first.
    func servers(_ configuration: ServeConfiguration) -> [MicroHTTPServer] {
        let limit = configuration.connectionLimit
        var servers = [
            server(
                configuration.listen, limit: limit,
                audience: configuration.deviceListen == nil ? .everyone : .operators,
                showsMetrics: configuration.metricsListen == nil, metricsNeedKey: configuration.metricsNeedKey)
        ]
        if let address = configuration.deviceListen {
            servers.append(server(address, limit: limit, audience: .devices, showsMetrics: false))
        }
        if let address = configuration.metricsListen {
            servers.append(metricsServer(address, configuration))
        }
        return servers
    }

    func server(
        _ address: ListenAddress, limit: Int, audience: Audience, showsMetrics: Bool, metricsNeedKey: Bool = false
    ) -> MicroHTTPServer {
        let counters = HTTPCounters(metrics: metrics, log: log, page: page)
        let page = page
        let pool = pool
        var surroundings = OrchestratorAPI.Surroundings(
            operations: controller, submit: { job in pool.submit(job) },
            digest: { bytes in ControllerDigest.of(bytes) },
            now: { SystemClock().now() }, audience: audience, certificateAuthority: authority, observer: counters)
        if showsMetrics { surroundings.metrics = { accept in page.render(accept: accept) } }
        surroundings.metricsNeedKey = metricsNeedKey
        surroundings.limiter = limiter
        let api = OrchestratorAPI(surroundings)
        var settings = MicroHTTPServer.Configuration(host: address.host, port: address.port)
        settings.connectionLimit = limit
        settings.tls = audience == .operators ? tls?.tls : tls?.deviceTLS
        return MicroHTTPServer(configuration: settings, handler: api, observer: counters)
    }

    func metricsServer(_ address: ListenAddress, _ configuration: ServeConfiguration) -> MicroHTTPServer {
        var settings = MicroHTTPServer.Configuration(host: address.host, port: address.port)
        if configuration.metricsTLS { settings.tls = tls?.tls }
        let counters = HTTPCounters(metrics: metrics, log: log, page: page)
        let page = page
        // The API itself, with the metrics as its only route: one place decides who may read them.
        var surroundings = OrchestratorAPI.Surroundings(
            operations: controller, submit: { _ in false }, digest: { bytes in ControllerDigest.of(bytes) },
            now: { SystemClock().now() }, metrics: { accept in page.render(accept: accept) }, audience: .scrapers,
            observer: counters)
        surroundings.metricsNeedKey = configuration.metricsNeedKey
        return MicroHTTPServer(
            configuration: settings, handler: OrchestratorAPI(surroundings), observer: counters)
    }
}

/// Counts requests, refusals and failed authentications.
final class HTTPCounters: APIObserver, WebServerObserver {
    private let metrics: MetricRegistry
    private let log: ControllerLog
    private let page: MetricsPage

    init(metrics: MetricRegistry, log: ControllerLog, page: MetricsPage) {
        self.metrics = metrics
        self.log = log
        self.page = page
        _ = metrics.counter(.operatorCallsLimited)
        for reason in RejectionReason.allCases { _ = metrics.counter(.httpRejectedRequests, [reason.rawValue]) }
        for reason in ["not_authorised", "unknown_device", "too_large", "unavailable", "malformed"] {
            _ = metrics.counter(.heartbeatsRejected, [reason])
        }
        for method in AuthenticationMethod.allCases {
            for reason in AuthenticationFailure.allCases {
                _ = metrics.counter(.authFailures, [method.rawValue, reason.rawValue])
            }
        }
    }

    func requestStarted() { page.requestStarted() }

    func requestFinished(_ record: RequestRecord) {
        page.requestEnded()
        metrics.counter(.httpRequests, [record.handler, record.method, String(record.status)]).add()
        metrics.histogram(.httpRequestDuration, [record.handler]).observe(record.seconds)
        if record.handler == Self.heartbeats, record.status >= 400 {
            metrics.counter(.heartbeatsRejected, [Self.rejection(record.status)]).add()
        }
    }

    private static let heartbeats = "/v1/devices/{device}/heartbeats"

    /// Why a heartbeat was refused, in a bounded set of words.
    private static func rejection(_ status: Int) -> String {
        switch status {
        case 401, 403: "not_authorised"
        case 404: "unknown_device"
        case 413: "too_large"
        case 500...: "unavailable"
        default: "malformed"
        }
    }

    func authenticationFailed(_ failure: AuthenticationFailure, by method: AuthenticationMethod) {
        metrics.counter(.authFailures, [method.rawValue, failure.rawValue]).add()
    }

    func callLimited() { metrics.counter(.operatorCallsLimited).add() }

    func requestFailed(handler: String, error: any Error) {
        log.error("request failed", ["handler": handler, "error": "\(error)"])
    }

    func requestFinished(_ request: FinishedRequest) {}

    func requestRejected(_ reason: RejectionReason) {
        metrics.counter(.httpRejectedRequests, [reason.rawValue]).add()
    }
}

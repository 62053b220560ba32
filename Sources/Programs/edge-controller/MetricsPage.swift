import Cryptography
import Fleet
import Foundation
import Glibc
import MicroHTTPServer
import Orchestration
import PrometheusExposition
import Synchronization

/// Renders `/metrics`: the registry's counters, the controller's gauges and the facts of the process.
final class MetricsPage: Sendable {
    private let controller: FleetController
    private let registry: MetricRegistry
    private let inFlight = Atomic<Int>(0)
    private let lastSeconds = Mutex(0.0)
    private let startedAt = ProcessFacts.startTime()
    /// The listeners that show a certificate, and the certificate.
    private let tls: (listeners: [String], side: ServerTLS)?

    init(controller: FleetController, registry: MetricRegistry, tls: (listeners: [String], side: ServerTLS)?) {
        self.tls = tls
        self.controller = controller
        self.registry = registry
    }

    // Relaxed: the number orders nothing else.
    func requestStarted() { inFlight.wrappingAdd(1, ordering: .relaxed) }
    func requestEnded() { inFlight.wrappingSubtract(1, ordering: .relaxed) }

    func render(accept: String?) -> (contentType: String, bytes: [UInt8]) {
        let began = ContinuousClock.now
        let format = ExpositionFormat.negotiate(accept: accept)
        let bytes = registry.render(format) { snapshot in
            controller.collect(into: &snapshot)
            snapshot.gauge(.httpRequestsInFlight, [], Double(inFlight.load(ordering: .relaxed)))
            snapshot.gauge(.metricsCollectionDuration, [], lastSeconds.withLock { $0 })
            snapshot.gauge(.buildInfo, [BuildFacts.version, "release", BuildFacts.swiftVersion], 1)
            for listener in tls?.listeners ?? [] {
                snapshot.gauge(.tlsCertificateExpiry, [listener], Double(tls?.side.certificateExpiresAt ?? 0))
            }
            ProcessFacts().show(startedAt: startedAt, in: &snapshot)
        }
        let took = ContinuousClock.now - began
        lastSeconds.withLock {
            $0 = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        }
        return (format.contentType, bytes)
    }
}

/// SHA-256 for the API.
enum ControllerDigest {
    static func of(_ bytes: [UInt8]) -> Digest { SHA256().digest(of: bytes) }
}

/// What the system says about this process (`/proc/self`, see proc(5)).
struct ProcessFacts {
    private let statistics: [Substring]

    init() {
        // The command's name may hold spaces; the fields of interest follow its closing parenthesis.
        let text = (try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8)) ?? ""
        statistics = text.split(separator: ")").last?.split(separator: " ") ?? []
    }

    func show(startedAt: Double, in snapshot: inout MetricSnapshot) {
        let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        snapshot.counter(.processCPU, [], (field(11) + field(12)) / ticksPerSecond)
        snapshot.gauge(.processThreads, [], field(17))
        snapshot.gauge(.processVirtualMemory, [], field(20))
        snapshot.gauge(.processResidentMemory, [], field(21) * Double(sysconf(Int32(_SC_PAGESIZE))))
        snapshot.gauge(.processStartTime, [], startedAt)
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
        snapshot.gauge(.processOpenFiles, [], Double(open))
        if let limit = Self.openFilesLimit() { snapshot.gauge(.processMaxFiles, [], limit) }
    }

    /// How many files the process may have open; nil where there is no limit.
    private static func openFilesLimit() -> Double? {
        (try? String(contentsOfFile: "/proc/self/limits", encoding: .utf8))?
            .split(separator: "\n").first { $0.hasPrefix("Max open files") }?
            .split(separator: " ").dropFirst(3).first.flatMap { Double($0) }
    }

    static func startTime() -> Double {
        let boot = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8))?
            .split(separator: "\n").first { $0.hasPrefix("btime ") }?.split(separator: " ").last.flatMap { Double($0) }
        return (boot ?? 0) + ProcessFacts().field(19) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private func field(_ index: Int) -> Double {
        index < statistics.count ? Double(statistics[index]) ?? 0 : 0
    }
}

import CurlClient
import DeviceAgent
import EdgeOrchestrator
import Fleet
import WireFormat

/// The agent's port to its controller, on the SDK's connection.
struct ControllerLink: ControllerClient {
    private let connection: DeviceConnection
    /// Files are fetched no faster than this; nil for no limit.
    private let bytesPerSecond: Int?

    init(_ connection: DeviceConnection, bytesPerSecond: Int?) {
        self.connection = connection
        self.bytesPerSecond = bytesPerSecond
    }

    func use(_ tls: CurlTLS) { connection.use(tls) }

    func dropToken() { connection.dropToken() }

    func renewCertificate(_ renewal: CertificateRenewal) throws -> DeviceCertificate {
        try connection.renewCertificate(renewal)
    }

    func cancel() { connection.cancel() }

    func send(_ heartbeat: Heartbeat) throws(ControllerFault) -> HeartbeatReply {
        try call { try connection.send(heartbeat) }
    }

    func send(_ history: HistoryUpload) throws(ControllerFault) {
        try call { try connection.send(history) }
    }

    func assignments(known: UInt64?, waitSeconds: Int) throws(ControllerFault) -> AssignmentSet? {
        try call { try connection.assignments(known: known, waitSeconds: waitSeconds) }
    }

    func version(_ digest: Digest) throws(ControllerFault) -> VersionResource {
        try call { try connection.version(digest) }
    }

    func artifact(
        _ digest: Digest, bytes: Range<UInt64>, of sizeBytes: UInt64,
        sink: @escaping (UInt64, [UInt8]) throws -> Void
    ) throws {
        do {
            try connection.artifact(
                digest, bytes: bytes, of: sizeBytes, bytesPerSecond: bytesPerSecond, sink: sink)
        } catch let fault as ArtifactAnswerFault {
            throw ControllerFault.unavailable("\(fault)")
        } catch let problem as Problem {
            throw ControllerFault(problem)
        } catch let error as CurlError {
            throw ControllerFault(error)
        }
    }

    func keySets(after number: UInt64) throws(ControllerFault) -> [String] {
        try call { try connection.keySets(after: number).map(\.envelope) }
    }

    func report(_ batch: ReportBatch) throws(ControllerFault) -> ReportReceipt {
        try call { try connection.report(batch) }
    }

    private func call<Value>(_ body: () throws -> Value) throws(ControllerFault) -> Value {
        do {
            return try body()
        } catch let problem as Problem {
            throw ControllerFault(problem)
        } catch let error as CurlError {
            throw ControllerFault(error)
        } catch {
            throw .unavailable("\(error)")
        }
    }
}

extension ControllerFault {
    /// A refusal that will not change, one that says "later" (overload, a restart, a proxy with nobody behind it), or
    /// a failure of the controller.
    init(_ problem: Problem) {
        if let seconds = problem.retryAfterSeconds, [429, 503].contains(problem.status) {
            self = .busy("\(problem.status): \(problem)", seconds: seconds)
            return
        }
        switch problem.status {
        case 300..<400:
            self = .unreachable(
                "somebody on the way answers with a redirect (\(problem.status)), which is not followed; "
                    + "does the network want a login?")
        case 408, 425, 429, 502, 503, 504: self = .unreachable("\(problem.status): \(problem)")
        case 500...: self = .unavailable("\(problem.status): \(problem)")
        default: self = .refused(status: problem.status, "\(problem)")
        }
    }

    /// Nobody there, or an answer that broke off.
    init(_ error: CurlError) {
        self = error.isWithoutResponse ? .unreachable("\(error)") : .unavailable("\(error)")
    }
}

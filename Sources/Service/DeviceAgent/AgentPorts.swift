internal import DeviceUpdates
public import Fleet
public import ModelTrust
public import WireFormat

/// The controller, as a device calls it; every call blocks its thread, for a bounded time.
public protocol ControllerClient: Sendable {
    /// Sends a heartbeat.
    func send(_ heartbeat: Heartbeat) throws(ControllerFault) -> HeartbeatReply
    /// Tells when a series counted what came late.
    func send(_ history: HistoryUpload) throws(ControllerFault)
    /// Fetches the device's assignments; nil when none is newer than the known number within the wait.
    func assignments(known: UInt64?, waitSeconds: Int) throws(ControllerFault) -> AssignmentSet?
    /// Fetches a version's description.
    func version(_ digest: Digest) throws(ControllerFault) -> VersionResource
    /// Fetches some bytes of a file of that size; the sink gets what comes with its offset, which begins with 0 where
    /// the controller sends the whole file instead.
    func artifact(
        _ digest: Digest, bytes: Range<UInt64>, of sizeBytes: UInt64,
        sink: @escaping (UInt64, [UInt8]) throws -> Void
    ) throws
    /// Fetches the publishers' key sets with larger numbers, in order; a controller that keeps none refuses with 404.
    func keySets(after number: UInt64) throws(ControllerFault) -> [String]
    /// Sends reports, oldest first.
    func report(_ batch: ReportBatch) throws(ControllerFault) -> ReportReceipt
}

/// Why a call to the controller failed.
public enum ControllerFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// No answer, or one that says "later": the network or the controller is away, and only time helps.
    case unreachable(String)
    /// An answer that broke off, failed or makes no sense; trying again may help.
    case unavailable(String)
    /// Not now: it says after how many seconds to ask again.
    case busy(String, seconds: Double)
    /// The controller understood and refused; the same call will be refused again.
    case refused(status: Int, String)

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .unreachable(let why): "the controller cannot be reached: \(why)"
        case .unavailable(let why): "the controller did not answer as it should: \(why)"
        case .busy(let why, let seconds):
            "the controller asks to come back in \(Int(seconds.rounded(.up))) s: \(why)"
        case .refused(let status, let why): "the controller refused with status \(status): \(why)"
        }
    }
}

/// Decides whether a controller's assignment and a publisher's version are genuine.
public protocol VersionVerifying: Sendable {
    /// Reads a signed assignment that the pinned key made for this device.
    func claims(in text: String) throws(AssignmentRefusal) -> AssignmentClaims
    /// Checks a bundle's signature alone: which files the version has, and its digest.
    func authenticate(bundle: [UInt8]) throws(ArtifactRefusal) -> AuthenticVersion
    /// Checks signature, files and description together.
    func verify(bundle: [UInt8], files: [FileDigest], manifest: [UInt8]) throws(ArtifactRefusal) -> VerifiedVersion
    /// The same for a version that was accepted before: a key that was revoked since does not make it damaged.
    func verifyKept(bundle: [UInt8], files: [FileDigest], manifest: [UInt8]) throws(ArtifactRefusal) -> VerifiedVersion
    /// The number of the publishers' key set that is followed; 0 before the first.
    var keySet: UInt64 { get }
    /// Follows the next key set, durably; from then on signatures of keys that it revokes are refused.
    ///
    /// One thread calls it. After an error nothing has changed.
    ///
    /// - Throws: ``KeySetRefusal``, ``StorageFault``.
    func follow(keySet text: String) throws
}

extension VersionVerifying {
    /// The same as ``verify(bundle:files:manifest:)`` where keys never change.
    public func verifyKept(
        bundle: [UInt8], files: [FileDigest], manifest: [UInt8]
    ) throws(ArtifactRefusal) -> VerifiedVersion {
        try verify(bundle: bundle, files: files, manifest: manifest)
    }

    /// None, where keys never change.
    public var keySet: UInt64 { 0 }

    /// Refused, where keys never change.
    public func follow(keySet text: String) throws { throw KeySetRefusal.noRecoveryKey }
}

/// The model runtime's HTTP endpoints.
public protocol RuntimeProbing: Sendable {
    /// Fetches a path.
    func get(_ path: String, timeoutSeconds: Double) throws -> ProbeReply
    /// Posts JSON to a path.
    func post(_ path: String, json: [UInt8], timeoutSeconds: Double) throws -> ProbeReply
}

/// An answer of the runtime.
public struct ProbeReply: Hashable, Sendable {
    /// The HTTP status.
    public let status: Int
    /// The body.
    public let body: [UInt8]

    /// Makes a reply.
    public init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }

    /// Whether the status is 200 to 299.
    public var isSuccess: Bool { (200..<300).contains(status) }
}

/// How a child process ended.
public enum ProcessEnd: Hashable, Sendable {
    /// It exited with a status.
    case exited(Int32)
    /// A signal ended it.
    case signalled(Int32)
}

/// Starts and ends processes.
///
/// All calls come from one thread that lives as long as the agent: a child dies with it.
public protocol ProcessLaunching: Sendable {
    /// Starts a program in a process group of its own; it dies with the calling thread.
    ///
    /// - Returns: the process id.
    func launch(_ command: [String]) throws -> Int32
    /// Ends what an earlier agent on this state directory started and left behind; returns the process ids.
    func endLeftovers() -> [Int32]
    /// How the process ended; nil while it runs.
    func end(of process: Int32) -> ProcessEnd?
    /// Sends a signal to the process alone.
    func signal(_ process: Int32, _ number: Int32)
    /// The last bytes that its processes wrote.
    func recentOutput(limitBytes: Int) -> [UInt8]
    /// Asks the process group to end, or ends it at once.
    func terminate(_ process: Int32, force: Bool)
}

extension ProcessLaunching {
    /// Nothing: a launcher whose processes end with it.
    public func endLeftovers() -> [Int32] { [] }
    /// Nothing: a launcher that keeps no output.
    public func recentOutput(limitBytes: Int) -> [UInt8] { [] }
}

/// What the agent itself can see of the runtime's process and of the device it runs on.
public protocol DeviceSensing: Sendable {
    /// The memory a process holds, in bytes; nil where it cannot be seen.
    func residentBytes(of process: Int32) -> UInt64?
    /// The temperature of the hottest part that tells one, in degrees Celsius; nil where none does.
    func temperatureCelsius() -> Double?
}

/// A device that tells nothing about itself.
public struct NoSensors: DeviceSensing {
    /// Makes it.
    public init() {}

    /// Nothing.
    public func residentBytes(of process: Int32) -> UInt64? { nil }

    /// Nothing.
    public func temperatureCelsius() -> Double? { nil }
}

/// Time, as the agent sees it.
public protocol AgentClock: Sendable {
    /// The wall clock.
    var now: Timestamp { get }
    /// Seconds on a clock that neither jumps nor stops.
    var uptimeSeconds: Double { get }
    /// Seconds since midnight, as people at the device count them.
    var secondOfDay: Int { get }
    /// Sleeps.
    func pause(seconds: Double)
}

extension AgentClock {
    /// Seconds since midnight in UTC.
    public var secondOfDay: Int {
        let day = DailyWindow.daySeconds
        return (Int(now.milliseconds / 1000) % day + day) % day
    }
}

/// Chance, uniform in 0..<1.
public protocol ChanceSource: Sendable {
    /// The next number.
    func next() -> Double
}

/// Where the agent's events go.
public protocol AgentLog: Sendable {
    /// Notes an event with structured details; never a secret.
    func note(_ level: AgentLogLevel, _ event: String, _ details: [String: String])
}

/// Who must act on a log line.
public enum AgentLogLevel: String, Hashable, Sendable {
    /// Nobody.
    case info
    /// Somebody, in time.
    case warning
    /// Somebody, now.
    case error
}

extension AgentLog {
    func info(_ event: String, _ details: [String: String] = [:]) { note(.info, event, details) }
    func warning(_ event: String, _ details: [String: String] = [:]) { note(.warning, event, details) }
    func error(_ event: String, _ details: [String: String] = [:]) { note(.error, event, details) }
}

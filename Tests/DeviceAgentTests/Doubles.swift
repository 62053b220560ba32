import Cryptography
import DeviceUpdates
import Fleet
import ModelTrust
import Synchronization
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// A version with its files, as its publisher made it.
struct TestVersion {
    var resource: VersionResource
    var files: [Digest: [UInt8]]
    var digest: Digest { resource.digest }

    init(
        _ name: String, model: ModelName, extra: [String: [UInt8]] = [:], architecture: String? = nil,
        counter: UInt64 = 1, floor: UInt64 = 0, signature: [UInt8] = [7]
    ) throws {
        let version = try VersionName(name)
        let manifest = EdgeVersionManifest(
            model: model, version: version, releaseCounter: counter, releaseFloor: floor,
            compatibility: .init(arch: architecture), entry: try ArtifactPath("model.bin"))
        var contents = extra
        contents["model.bin"] = Array("weights of \(name)".utf8)
        contents["labels.txt"] = Array("same everywhere".utf8)
        contents["edge-version.json"] = manifest.serialized()
        var listed: [FileDigest] = []
        files = [:]
        for (path, bytes) in contents {
            let digest = SHA256().digest(of: bytes)
            listed.append(FileDigest(path: try ArtifactPath(path), digest: digest))
            files[digest] = bytes
        }
        let payload = try ModelStatement(subject: name, files: listed, hashing: SHA256()).serialized()
        let bundle = SignatureBundle(keyHint: StubKey().pemDigest.hex, payload: payload, signature: signature)
        let stored = files
        resource = VersionResource(
            model: model, version: version, digest: SHA256().digest(of: payload), releaseCounter: counter,
            metadata: [:],
            files: listed.sorted { $0.path < $1.path }.map {
                VersionFile(
                    path: $0.path.rawValue, digest: $0.digest, sizeBytes: UInt64(stored[$0.digest]?.count ?? 0))
            },
            bundle: String(decoding: bundle.serialized(), as: UTF8.self), publisher: nil,
            createdAt: Timestamp(milliseconds: 0), createdBy: "test")
    }
}

/// A controller in memory: versions, assignments, and every report it was sent.
final class FakeController: ControllerClient {
    struct State {
        var versions: [Digest: VersionResource] = [:]
        var files: [Digest: [UInt8]] = [:]
        var reports: [UInt64: AttemptReport] = [:]
        var heartbeats: [Heartbeat] = []
        var replies: [HeartbeatReply] = []
        /// Downloads break off after so many bytes, once for each element.
        var breaks: [Int] = []
        var offsets: [UInt64] = []
        var asked: [Range<UInt64>] = []
        /// What the next requests for files are answered with, once for each element; nil for what was asked for.
        var answers: [(@Sendable ([UInt8], Range<UInt64>, (UInt64, [UInt8]) throws -> Void) throws -> Void)?] = []
        var isAway = false
        /// What every call fails with instead of being answered.
        var fault: ControllerFault?
        /// So many requests for versions and files find nobody.
        var absences = 0
        /// So many batches of reports arrive and are not answered.
        var lostReplies = 0
        var receivedReports = 0
        /// The publishers' key sets as the controller serves them, whatever was asked for; nil for those with larger
        /// numbers, in order.
        var keySets: [String] = []
        var servedKeySets: [String]?
        /// The controller is older than key sets.
        var hasNoKeySets = false
        /// The key sets from the first file on that is fetched.
        var keySetsAfterFiles: [String]?
    }

    let state = Mutex(State())

    func offer(_ version: TestVersion) {
        let (resource, files) = (version.resource, version.files)
        state.withLock { state in
            state.versions[resource.digest] = resource
            state.files.merge(files) { $1 }
        }
    }

    /// The outcomes of attempts, steps left out.
    var outcomes: [AttemptReport] {
        state.withLock { $0.reports.values.filter { $0.outcome != .stepDone }.sorted { $0.sequence < $1.sequence } }
    }

    func send(_ heartbeat: Heartbeat) throws(ControllerFault) -> HeartbeatReply {
        try check()
        return state.withLock { state in
            state.heartbeats.append(heartbeat)
            return state.replies.isEmpty
                ? HeartbeatReply(committedThrough: 0, assignment: 0, intervalSeconds: 1, now: 0)
                : state.replies.removeFirst()
        }
    }

    func assignments(known: UInt64?, waitSeconds: Int) throws(ControllerFault) -> AssignmentSet? {
        try check()
        return nil
    }

    func version(_ digest: Digest) throws(ControllerFault) -> VersionResource {
        try checkFetch()
        guard let found = state.withLock({ $0.versions[digest] }) else {
            throw .refused(status: 404, "no such version")
        }
        return found
    }

    func artifact(
        _ digest: Digest, bytes range: Range<UInt64>, of sizeBytes: UInt64,
        sink: @escaping (UInt64, [UInt8]) throws -> Void
    ) throws {
        try checkFetch()
        let (bytes, limit, answer) = state.withLock { state in
            state.offsets.append(range.lowerBound)
            state.asked.append(range)
            if let sets = state.keySetsAfterFiles { state.keySets = sets }
            return (
                state.files[digest] ?? [], state.breaks.isEmpty ? nil : state.breaks.removeFirst(),
                state.answers.isEmpty ? nil : state.answers.removeFirst()
            )
        }
        if let answer { return try answer(bytes, range, sink) }
        // One that has more than was announced sends more.
        let behind = bytes.dropFirst(Int(range.lowerBound))
        let rest = range.upperBound == sizeBytes ? behind : behind.prefix(range.count)
        try sink(range.lowerBound, Array(rest.prefix(limit ?? rest.count)))
        if limit != nil { throw ControllerFault.unavailable("the connection broke") }
    }

    func send(_ history: HistoryUpload) throws(ControllerFault) {
        try check()
    }

    func report(_ batch: ReportBatch) throws(ControllerFault) -> ReportReceipt {
        try check()
        let (receipt, isLost) = state.withLock { state in
            state.receivedReports += batch.reports.count
            for report in batch.reports where state.reports[report.sequence] == nil {
                state.reports[report.sequence] = report
            }
            let isLost = state.lostReplies > 0
            if isLost { state.lostReplies -= 1 }
            return (ReportReceipt(acknowledged: state.reports.keys.max() ?? 0), isLost)
        }
        if isLost { throw .unavailable("the reply was lost") }
        return receipt
    }

    func keySets(after number: UInt64) throws(ControllerFault) -> [String] {
        try check()
        if state.withLock({ $0.hasNoKeySets }) { throw .refused(status: 404, "no such path") }
        return state.withLock { $0.servedKeySets ?? Array($0.keySets.dropFirst(Int(clamping: number))) }
    }

    private func check() throws(ControllerFault) {
        let fault = state.withLock { $0.isAway ? .unreachable("away") : $0.fault }
        if let fault { throw fault }
    }

    /// The same for what an update fetches.
    private func checkFetch() throws(ControllerFault) {
        try check()
        let isAway = state.withLock { state in
            defer { state.absences = max(0, state.absences - 1) }
            return state.absences > 0
        }
        if isAway { throw .unreachable("away for now") }
    }
}

/// A runtime that serves what it is told, but for versions that it does not like.
final class FakeRuntime: RuntimeSupervising {
    struct State {
        var serving: Digest?
        var history: [Digest?] = []
        /// Orders to serve afresh.
        var renewals = 0
        var refused: Set<Digest> = []
        var isUnstable = false
        /// Crash again and again as soon as they serve.
        var unstable: Set<Digest> = []
        /// How often a version is found healthy before it no longer is.
        var healthyFor: [Digest: Int] = [:]
    }

    let state = Mutex(State())
    /// Looks on before anything is served.
    let watch = Mutex<(@Sendable (Digest?) -> Void)?>(nil)

    func serve(_ digest: Digest?) -> FailureReason? {
        watch.withLock { $0?(digest) }
        return state.withLock { state in
            state.history.append(digest)
            state.serving = digest
            state.isUnstable = digest.map { state.unstable.contains($0) } ?? false
            guard let digest, state.refused.contains(digest) else { return nil }
            return .runtimeUnhealthy
        }
    }

    func serveAfresh(_ digest: Digest) -> FailureReason? {
        state.withLock { $0.renewals += 1 }
        return serve(digest)
    }

    func request(_ digest: Digest?) { _ = serve(digest) }

    var condition: RuntimeCondition {
        state.withLock { state in
            var isFine = state.serving.map { !state.refused.contains($0) } ?? false
            if let serving = state.serving, let left = state.healthyFor[serving] {
                state.healthyFor[serving] = left - 1
                isFine = isFine && left > 0
            }
            return RuntimeCondition(serving: state.serving, isHealthy: isFine)
        }
    }

    func takeInstability() -> Bool {
        state.withLock { state in
            defer { state.isUnstable = false }
            return state.isUnstable
        }
    }
}

/// Time that passes only when somebody waits.
final class TestClock: AgentClock {
    private let elapsed = Mutex(0.0)
    private let offset = Mutex(0.0)

    var now: Timestamp {
        Timestamp(milliseconds: 1_700_000_000_000).adding(seconds: uptimeSeconds + offset.withLock { $0 })
    }
    /// Somebody sets the wall clock.
    func jump(seconds: Double) { offset.withLock { $0 += seconds } }
    var uptimeSeconds: Double { elapsed.withLock { $0 } }
    func pause(seconds: Double) { elapsed.withLock { $0 += max(seconds, 0.001) } }
}

/// Answers of a runtime's endpoints by path.
final class FakeProbe: RuntimeProbing {
    let replies = Mutex<[String: ProbeReply]>([:])
    let asked = Mutex<[String]>([])
    /// Called before each answer.
    let delay = Mutex<(@Sendable () -> Void)?>(nil)

    func get(_ path: String, timeoutSeconds: Double) throws -> ProbeReply { try answer(path) }
    func post(_ path: String, json: [UInt8], timeoutSeconds: Double) throws -> ProbeReply { try answer(path) }

    func set(_ path: String, _ status: Int, _ body: String = "") {
        replies.withLock { $0[path] = ProbeReply(status: status, body: Array(body.utf8)) }
    }

    private func answer(_ path: String) throws -> ProbeReply {
        delay.withLock { $0 }?()
        asked.withLock { $0.append(path) }
        guard let reply = replies.withLock({ $0[path] }) else { throw ControllerFault.unavailable("refused") }
        return reply
    }
}

final class FakeLauncher: ProcessLaunching {
    struct State {
        var next: Int32 = 100
        var ends: [Int32: ProcessEnd] = [:]
        var commands: [[String]] = []
        var terminated: [Int32] = []
        var signals: [Int32] = []
        var output: [UInt8] = []
        /// Processes end at once.
        var isBroken = false
    }

    let state = Mutex(State())

    func launch(_ command: [String]) throws -> Int32 {
        state.withLock { state in
            state.commands.append(command)
            state.next += 1
            if state.isBroken { state.ends[state.next] = .exited(1) }
            return state.next
        }
    }

    func end(of process: Int32) -> ProcessEnd? { state.withLock { $0.ends[process] } }

    func signal(_ process: Int32, _ number: Int32) { state.withLock { $0.signals.append(number) } }

    func recentOutput(limitBytes: Int) -> [UInt8] { Array(state.withLock { $0.output }.suffix(limitBytes)) }

    func terminate(_ process: Int32, force: Bool) {
        state.withLock { state in
            state.terminated.append(process)
            if state.ends[process] == nil { state.ends[process] = .signalled(force ? 9 : 15) }
        }
    }
}

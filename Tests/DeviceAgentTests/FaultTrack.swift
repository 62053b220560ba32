import DeviceUpdates
import Fleet
import Synchronization
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// An update during which faults come, chosen so that all tracks together pass every state of the machine.
enum FaultTrack: String, CaseIterable {
    /// From v1 to a good v2.
    case update
    /// From v1 to a v2 that the runtime refuses.
    case failing
    /// The same, and the runtime refuses v1 afterwards, too.
    case stranding
    /// From v2 back to v1, as ordered.
    case returning
    /// v2 becomes its own fallback.
    case promotion
}

/// A device before a track's update, and what it writes when nothing disturbs it.
struct FaultBench {
    let track: FaultTrack
    let device: Device
    let v1: TestVersion
    let v2: TestVersion
    let number: UInt64
    let assignment: Assignment
    let local: LocalVersions
    let accepted: UInt64
    /// The undisturbed update, operation by operation.
    let moments: [MemoryDisk.Moment]
    /// The first operation of the update itself; before it the agent opens its state.
    let begin: Int

    init(_ track: FaultTrack, hasGolden: Bool = false, needs architecture: String? = nil) throws {
        self.track = track
        device = try Device()
        let golden = hasGolden ? ["golden.json": Array(FailureTests.golden.utf8)] : [:]
        v1 = try TestVersion("v1.0.0", model: device.model)
        v2 = try TestVersion("v2.0.0", model: device.model, extra: golden, architecture: architecture)
        device.controller.offer(v1)
        device.controller.offer(v2)
        device.order(1, run: v1, fallback: nil)
        try device.work()
        device.order(2, run: v2, fallback: v1)
        let (run, fallback): (TestVersion, TestVersion)
        switch track {
        case .update, .failing, .stranding: (run, fallback) = (v2, v1)
        case .returning: (run, fallback) = (v1, v1)
        case .promotion: (run, fallback) = (v2, v2)
        }
        if track == .returning || track == .promotion { try device.work() }
        number = track == .returning || track == .promotion ? 3 : 2
        device.order(number, run: run, fallback: fallback)
        let (bad, good) = (v2.digest, v1.digest)
        if track == .failing || track == .stranding { device.runtime.state.withLock { _ = $0.refused.insert(bad) } }
        if track == .stranding { device.runtime.state.withLock { _ = $0.refused.insert(good) } }
        device.disk = device.disk.afterPowerCut { $0 }
        assignment = Assignment(
            number: number, run: run.digest, fallback: fallback.digest, probationSeconds: 1, reinstall: false)
        local = try device.local
        accepted = try JournalStore(files: device.disk).last.accepted
        let undisturbed = try device.copy()
        undisturbed.disk.trace.withLock { $0 = [] }
        try undisturbed.work()
        moments = undisturbed.disk.trace.withLock { $0 } ?? []
        begin = moments.firstIndex { $0.path.hasPrefix(StateLayout.assignment) } ?? 0
    }

    /// The journal's record after so many operations of the undisturbed update.
    func record(after count: Int) throws -> JournalRecord {
        let disk = count == 0 ? device.disk : MemoryDisk(moments[count - 1].state)
        return try JournalStore(files: disk).last
    }

    /// What is on the device after so many operations.
    func local(after count: Int) throws -> LocalVersions {
        let files = count == 0 ? device.disk : MemoryDisk(moments[count - 1].state)
        return try VersionStore(
            files: files, layout: StateLayout(model: device.model), verifier: StubTrust(device: device.id)
        ).local()
    }

    /// How many records the journal was given within so many operations.
    func transitions(within count: Int) -> Int {
        moments.prefix(count).count { $0.operation == "write" && $0.path.hasPrefix("journal/") }
    }
}

extension UpdateState {
    /// One word for tables.
    var word: String { step?.rawValue ?? (self == .safe ? "safe" : "idle") }
}

/// What the state machine alone says that an update comes to: the expectation of every case.
struct Prediction {
    private(set) var machine: UpdateMachine
    private(set) var log: [String] = []
    private(set) var ending: (attempt: Attempt, ending: Ending)?
    private let bench: FaultBench

    init(_ bench: FaultBench) {
        self.bench = bench
        machine = UpdateMachine(state: .idle, accepted: bench.accepted)
    }

    /// Tells the machine what happened.
    mutating func feed(_ event: UpdateEvent) {
        let before = machine
        let action = machine.handle(event)
        guard machine != before || action != .none else { return }
        log.append(machine.state.word)
        if case .ending(let attempt, let ending) = machine.state { self.ending = (attempt, ending) }
    }

    /// Goes on as the track does when nothing disturbs it, until the log has so many entries or nothing is left to do.
    mutating func goOn(until count: Int = .max) {
        while log.count < count, let event = nextEvent { feed(event) }
    }

    /// Goes on until the machine is in that state for the first time.
    mutating func goOn(to word: String) {
        while machine.state.word != word, let event = nextEvent { feed(event) }
    }

    private var nextEvent: UpdateEvent? {
        switch machine.state {
        case .idle, .safe:
            return machine.accepted < bench.number ? .assignmentReceived(bench.assignment, bench.local) : nil
        case .backingUp(let attempt): return .backedUp(attempt.lastKnownGoodBeforeSwap(bench.local))
        case .deploying, .smokeTesting:
            let isRefused = bench.track == .failing || bench.track == .stranding
            return isRefused ? .stepFailed(.runtimeUnhealthy) : .stepDone
        case .rollingBack: return bench.track == .stranding ? .stepFailed(.rollbackFailed) : .stepDone
        case .ending: return .reported
        case .checking, .downloading, .verifying, .onProbation: return .stepDone
        }
    }

    /// What is `current` at the end.
    var current: Digest? {
        guard let (attempt, ending) = ending else { return bench.local.current }
        switch ending {
        case .succeeded, .restored: return attempt.to
        case .rejected: return attempt.from
        case .failed, .fellBack, .stranded: return attempt.backup == nil ? attempt.from : attempt.returnTarget
        }
    }
}

import DeviceUpdates
import Fleet
import Synchronization
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// Records an update, makes every disk that a power cut may leave of it, and lets an agent recover on each.
final class CrashExplorer {
    /// Starts of the agent within which a recovery must be over.
    static let startLimit = 3
    /// So many violations are enough to look at.
    static let violationLimit = 10

    let scene: CrashScene
    /// One recovery of so many is followed by another update.
    let sequelEvery: Int
    /// Distinct disks that were recovered; of them after a second cut, in a recovery.
    private(set) var states = 0
    private(set) var secondStates = 0
    private(set) var operations = 0
    private(set) var longest: UInt64 = 0
    private(set) var violations: [String] = []
    private(set) var sites: [SyncSite: Int] = [:]
    private(set) var space: CrashSpace
    private let trace: CrashTrace
    private var seen: Set<Int> = []
    /// Moments of recoveries that were cut.
    private var begun: Set<Int> = []
    /// Disks that were recovered for another promise already: only the promise is checked again.
    private var promised: Set<[Int]> = []

    /// Records the story; syncs of a site may be forgotten.
    init(_ story: CrashStory, files: Int = 0, limit: Int, seed: UInt64, ignoring site: SyncSite? = nil) throws {
        scene = try CrashScene(story, files: files)
        sequelEvery = site == nil ? 20 : 3
        space = CrashSpace(limit: limit, seed: seed, stream: UInt64(CrashStory.allCases.firstIndex(of: story) ?? 0))
        let device = try scene.device.copy()
        device.disk.state.withLock { $0.ignoredSync = site }
        trace = try CrashTrace(of: device, in: scene)
        operations = trace.moments.count - 1
        sites = trace.sites
    }

    var isDone: Bool { violations.count >= Self.violationLimit }

    /// Every moment of the update; `stop` ends it early.
    func cutOnce(stop: () -> Bool = { false }) throws {
        for place in trace.moments.indices where !stop() && !isDone {
            try visit(trace, at: place, stop: stop) { try self.recover($0, from: $1, records: false) }
        }
    }

    /// A second cut in recoveries, which are drawn, until so many distinct disks were recovered.
    func cutTwice(states wanted: Int, chance: inout SeededChance) throws {
        var fruitless = 0
        while secondStates < wanted, !isDone, fruitless < 200 {
            let before = secondStates
            let place = chance.below(trace.moments.count)
            var drawn: [MemoryDisk.State] = []
            space.visit(trace.moments[place].state) { state in
                drawn.append(state)
                return drawn.count < 64
            }
            let state = drawn[chance.below(drawn.count)]
            let device = try revived(state, trace, at: place)
            guard let recovery = try? CrashTrace(of: device, in: scene, after: trace.promises[place]) else { continue }
            // From where two recoveries are alike, they go on alike.
            let shapes = recovery.moments.map(\.state.shape)
            let news = shapes.prefix { !begun.contains($0) }.indices
            begun.formUnion(shapes)
            for second in news where secondStates < wanted && !isDone {
                try visit(recovery, at: second, limit: 64, stop: { false }) { state, moment in
                    self.secondStates += 1
                    return try self.recover(state, from: moment, records: true)
                }
            }
            fruitless = secondStates == before ? fruitless + 1 : 0
        }
    }

    private func visit(
        _ trace: CrashTrace, at place: Int, limit: Int? = nil, stop: () -> Bool,
        _ body: (MemoryDisk.State, (CrashTrace, Int)) throws -> Void
    ) throws {
        let moment = trace.moments[place]
        var tried = 0
        var space = self.space
        try space.visit(moment.state) { state in
            tried += 1
            var hasher = Hasher()
            hasher.combine(moment.received)
            hasher.combine(state.fingerprint)
            if seen.insert(hasher.finalize()).inserted {
                states += 1
                try body(state, (trace, place))
            } else if promised.insert([hasher.finalize(), trace.promises[place].hashValue]).inserted,
                let broken = try trace.promises[place].broken(on: MemoryDisk(state), of: scene)
            {
                violations.append("\(scene.story.rawValue): cut after \(moment.operation) \(moment.path): \(broken)")
            }
            return !isDone && !stop() && limit.map { tried < $0 } ?? true
        }
        self.space = space
    }

    private func revived(_ state: MemoryDisk.State, _ trace: CrashTrace, at place: Int) throws -> Device {
        let device = try scene.device.copy(disk: MemoryDisk(state))
        let reports = trace.reports
        let received = Set(trace.moments[place].received)
        device.controller.state.withLock { $0.reports = reports.filter { received.contains($0.key) } }
        device.runtime.state.withLock { $0.serving = nil }
        return device
    }

    private func recover(_ state: MemoryDisk.State, from origin: (CrashTrace, Int), records: Bool) throws {
        let (trace, place) = origin
        let moment = trace.moments[place]
        let device = try revived(state, trace, at: place)
        var judge = CrashJudge(scene: scene, device: device, goesOn: states % sequelEvery == 0)
        let verdict: String?
        do {
            verdict = try judge.recover(promised: trace.promises[place], startLimit: Self.startLimit)
        } catch {
            verdict = "the recovery failed: \(error)"
        }
        longest = max(longest, judge.transitions)
        guard let verdict else { return }
        violations.append(
            "\(scene.story.rawValue): cut \(records ? "in a recovery " : "")after operation \(place), "
                + "\(moment.operation) \(moment.path): \(verdict)")
    }
}

/// What an agent did to its disk, one moment after every operation, and what it relied upon at each.
struct CrashTrace {
    let moments: [MemoryDisk.Moment]
    let promises: [CrashPromise]
    /// Every report that the controller had at the end.
    let reports: [UInt64: AttemptReport]
    let sites: [SyncSite: Int]

    /// Lets a device work and records it.
    init(of device: Device, in scene: CrashScene, after promised: CrashPromise? = nil) throws {
        let start = device.disk.state.withLock { $0 }
        let controller = device.controller
        device.disk.received.withLock { $0 = { controller.state.withLock { $0.reports.keys.sorted() } } }
        let first = MemoryDisk.Moment(
            operation: "start", path: "", state: start, received: controller.state.withLock { $0.reports.keys.sorted() }
        )
        device.disk.trace.withLock { $0 = [first] }
        try device.work()
        moments = device.disk.trace.withLock { trace in
            defer { trace = nil }
            return trace ?? []
        }
        reports = controller.state.withLock { $0.reports }
        var promise = try promised ?? CrashPromise(seenOn: MemoryDisk(start), of: scene)
        var (promises, sites, previous): ([CrashPromise], [SyncSite: Int], String) = ([], [:], start.previous)
        for moment in moments {
            promise = try promise.after(moment, of: scene)
            promises.append(promise)
            if moment.operation.hasPrefix("sync") {
                sites[SyncSite(moment.operation, moment.path, after: previous), default: 0] += 1
            }
            previous = moment.operation
        }
        (self.promises, self.sites) = (promises, sites)
    }
}

/// What the agent may believe to be on its disk for good, because its syncs returned.
struct CrashPromise: Hashable {
    var floors: Floors
    var journal: JournalRecord
    var shutOut: [Digest]

    init(seenOn disk: MemoryDisk, of scene: CrashScene) throws {
        floors = try FloorStore(files: disk).floors
        journal = try JournalStore(files: disk).last
        shutOut = try scene.versions.map(\.digest).filter { try disk.facts(StateLayout.quarantine($0)) != nil }
    }

    /// What may be believed after one more operation.
    func after(_ moment: MemoryDisk.Moment, of scene: CrashScene) throws -> CrashPromise {
        var next = self
        let seen = { () throws in try CrashPromise(seenOn: MemoryDisk(moment.state), of: scene) }
        switch (moment.operation, moment.path) {
        case ("sync the directory", "trust"): next.floors = try seen().floors
        case ("sync the directory", "quarantine"),
            ("remove", _) where moment.path.hasPrefix("quarantine/"):
            next.shutOut = try seen().shutOut
        case ("sync", _) where moment.path.hasPrefix("journal/") && journal.sequence >= 2,
            ("sync the directory", "journal"):
            next.journal = try seen().journal
        default: break
        }
        return next
    }

    /// What a disk has lost of it.
    func broken(on disk: MemoryDisk, of scene: CrashScene) throws -> String? {
        let found = try CrashPromise(seenOn: disk, of: scene)
        if found.floors.assignment < floors.assignment || found.floors.release < floors.release {
            return "the floors went back from \(floors) to \(found.floors)"
        }
        if found.journal.sequence < journal.sequence || found.journal.accepted < journal.accepted {
            return "the journal went back from \(journal.sequence) to \(found.journal.sequence)"
        }
        return Set(found.shutOut).isSuperset(of: shutOut) ? nil : "a version left its quarantine"
    }
}

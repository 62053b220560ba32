import DeviceUpdates
import Fleet
import ModelTrust
import Synchronization
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// Lets a device recover from a power cut and says which invariant it broke, if any.
struct CrashJudge {
    let scene: CrashScene
    let device: Device
    /// How many transitions the recovery took.
    private(set) var transitions: UInt64 = 0

    /// Whether the device must carry out one more update afterwards.
    let goesOn: Bool

    init(scene: CrashScene, device: Device, goesOn: Bool) {
        self.scene = scene
        self.device = device
        self.goesOn = goesOn
    }

    /// Recovers; nil where every invariant holds.
    mutating func recover(promised: CrashPromise, startLimit: Int) throws -> String? {
        let found = try CrashPromise(seenOn: device.disk, of: scene)
        if let broken = try promised.broken(on: device.disk, of: scene) { return broken }
        if let broken = try brokenLink(atRest: false) { return broken }
        let activations = Activations(
            disk: device.disk, layout: StateLayout(model: device.model), trust: StubTrust(device: device.id))
        device.runtime.watch.withLock { $0 = { digest in activations.note(digest) } }
        defer { device.runtime.watch.withLock { $0 = nil } }
        var starts = 0
        repeat {
            guard starts < startLimit else { return "it had not settled after \(starts) starts" }
            try device.work()
            starts += 1
        } while !isSettled
        if let bad = activations.first { return bad }
        if let broken = try brokenEnd(after: found) { return broken }
        return goesOn ? try brokenSequel() : nil
    }

    /// What is left behind must not stand in the way of the next update: it installs what the device does not serve.
    private func brokenSequel() throws -> String? {
        let isAllowed = try FloorStore(files: device.disk).floors.release <= 1
        let (oldest, newest) = (scene.versions[0], scene.versions[2])
        let next = scene.current == oldest.digest || !isAllowed ? newest : oldest
        let fallback = scene.versions.first { $0.digest == scene.current }
        device.order(scene.number + 1, run: next, fallback: fallback)
        try device.work()
        let outcomes = device.outcomes(of: scene.number + 1)
        guard outcomes == [.succeeded] || outcomes == [.rolledBack] else {
            return "the update after it reported \(outcomes.map(\.rawValue))"
        }
        return try device.local.current == next.digest ? nil : "the update after it did not serve its version"
    }

    private var isSettled: Bool {
        guard let worker = device.worker, let agent = device.agent else { return false }
        return worker.machine.state == .idle && agent.outbox.isEmpty
    }

    private func brokenLink(atRest: Bool) throws -> String? {
        let local = try device.local
        for (name, digest) in [("current", local.current), ("lkg", local.lastKnownGood)] {
            if digest == local.current, name == "lkg", digest != nil { continue }
            guard let digest else {
                if scene.story != .firstInstall || atRest { return "there is no \(name)" }
                continue
            }
            let mayBeDamaged = scene.story == .damaged && !atRest && name == "current"
            if !mayBeDamaged, try !device.store.isWhole(digest) { return "\(name) is not sealed and whole" }
        }
        return nil
    }

    private mutating func brokenEnd(after found: CrashPromise) throws -> String? {
        if let broken = try brokenLink(atRest: true) { return broken }
        let end = try CrashPromise(seenOn: device.disk, of: scene)
        transitions = end.journal.sequence - found.journal.sequence
        if transitions > UInt64(UpdateMachine.transitionLimit) { return "it took \(transitions) transitions" }
        if end.journal.accepted < max(found.journal.accepted, scene.number) { return "the assignment was forgotten" }
        if end.floors.assignment < max(found.floors.assignment, scene.number) { return "the floor was not raised" }
        if end.floors.release < found.floors.release { return "the release floor went back" }
        let outcomes = device.outcomes(of: scene.number)
        guard outcomes == scene.outcomes else {
            return "reported were \(outcomes.map(\.rawValue)), should be \(scene.outcomes.map(\.rawValue))"
        }
        let current = try device.local.current
        guard current == scene.current else { return "it ended on \(current?.short ?? "nothing")" }
        let serving = device.runtime.state.withLock { $0.serving }
        guard serving == current else { return "the runtime serves \(serving?.short ?? "nothing")" }
        return nil
    }
}

/// What a runtime was told to serve in a recovery, checked at that moment.
private final class Activations: Sendable {
    private let disk: MemoryDisk
    private let store: VersionStore
    private let broken = Mutex<String?>(nil)

    init(disk: MemoryDisk, layout: StateLayout, trust: StubTrust) {
        self.disk = disk
        store = VersionStore(files: disk, layout: layout, verifier: trust)
    }

    var first: String? { broken.withLock { $0 } }

    func note(_ digest: Digest?) {
        guard let digest else { return }
        let fault: String?
        do {
            fault = try self.fault(digest)
        } catch {
            fault = "\(error)"
        }
        if let fault { broken.withLock { $0 = $0 ?? fault } }
    }

    private func fault(_ digest: Digest) throws -> String? {
        guard try store.local().current == digest else { return "what is served is not what current says" }
        guard try disk.facts(store.layout.seal(digest)) != nil, let verified = try? store.verify(digest) else {
            return "a version that is not sealed and whole was activated"
        }
        let accepted = try JournalStore(files: disk).last.accepted
        if try QuarantineStore(files: disk).holds(digest, assignment: accepted) {
            return "a quarantined version was activated"
        }
        if try FloorStore(files: disk).floors.release > verified.manifest.releaseCounter {
            return "a withdrawn version was activated"
        }
        return nil
    }
}

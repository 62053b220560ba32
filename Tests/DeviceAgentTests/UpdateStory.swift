import DeviceUpdates
import Fleet
import Synchronization
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// What an update that is disturbed is about.
enum UpdateStory: CaseIterable {
    /// The new version is good.
    case installs
    /// The runtime refuses the new version.
    case rollsBack
    /// The device returns to its local backup as ordered.
    case restores
    /// The device installs the version it runs once more.
    case reinstalls
}

/// A device with v1 installed and a story's assignment waiting; copies of it are disturbed.
struct StoryDevice {
    let device: Device
    let old: TestVersion
    let new: TestVersion
    let number: UInt64
    let outcome: AttemptReport.Outcome
    let current: Digest

    init(_ story: UpdateStory) throws {
        device = try Device()
        old = try TestVersion("v1.0.0", model: device.model)
        new = try TestVersion("v2.0.0", model: device.model)
        device.controller.offer(old)
        device.controller.offer(new)
        device.order(1, run: old, fallback: nil)
        try device.work()
        switch story {
        case .installs:
            (number, outcome, current) = (2, .succeeded, new.digest)
            device.order(2, run: new, fallback: old)
        case .rollsBack:
            (number, outcome, current) = (2, .failed, old.digest)
            let bad = new.digest
            device.runtime.state.withLock { _ = $0.refused.insert(bad) }
            device.order(2, run: new, fallback: old)
        case .restores:
            (number, outcome, current) = (3, .rolledBack, old.digest)
            device.order(2, run: new, fallback: old)
            try device.work()
            device.order(3, run: old, fallback: old)
        case .reinstalls:
            (number, outcome, current) = (2, .succeeded, old.digest)
            device.order(2, run: old, fallback: old, reinstall: true)
        }
        // What was done so far is long on the disk.
        device.disk = device.disk.afterPowerCut { $0 }
    }

    /// Lets a disturbed copy recover; it must end as if nothing had happened, or at least whole and reported once.
    func expectRecovery(of device: Device, asIfUndisturbed: Bool = true, _ when: String) throws {
        let before = try JournalStore(files: device.disk).last.accepted
        let floor = try FloorStore(files: device.disk).floors.assignment
        try expectWhole(device, "before the recovery, \(when)")
        for _ in 0..<3 where try !isSettled(device) { try device.work() }
        try expectWhole(device, "after the recovery, \(when)")
        let after = try JournalStore(files: device.disk).last
        #expect(after.accepted >= before && after.state == .idle, "\(when)")
        #expect(try FloorStore(files: device.disk).floors.assignment >= max(floor, number), "\(when)")
        let outcomes = device.controller.outcomes.filter { $0.assignment == number }
        #expect(outcomes.count == 1, "\(outcomes.map(\.outcome)), \(when)")
        #expect(device.runtime.state.withLock { $0.serving } == (try device.local.current), "\(when)")
        guard asIfUndisturbed else { return }
        #expect(outcomes.map(\.outcome) == [outcome], "\(when)")
        #expect(try device.local.current == current, "\(when)")
    }

    private func isSettled(_ device: Device) throws -> Bool {
        guard let worker = device.worker, device.disk.operations > 0 else { return false }
        return worker.machine.state == .idle && (device.agent?.outbox.isEmpty ?? false)
    }

    /// Invariants: what serves and what is returned to are sealed and whole; nothing quarantined serves.
    private func expectWhole(_ device: Device, _ when: String) throws {
        let local = try device.local
        let current = try #require(local.current, "nothing serves \(when)")
        #expect(try device.store.isWhole(current), "current is not whole \(when)")
        let backup = try #require(local.lastKnownGood, "no backup \(when)")
        #expect(try device.store.isWhole(backup), "lkg is not whole \(when)")
        #expect(current == old.digest || current == new.digest)
        let shutOut = try QuarantineStore(files: device.disk).holds(new.digest, assignment: number)
        let state = try JournalStore(files: device.disk).last.state
        if shutOut, state == .idle { #expect(current != new.digest, "a quarantined version serves \(when)") }
    }
}

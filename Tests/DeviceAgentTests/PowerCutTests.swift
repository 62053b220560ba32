import DeviceUpdates
import Fleet
import Synchronization
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// Cuts the power at every disk operation of an update, in many ways, and lets the device recover.
@Suite struct PowerCutTests {
    /// How much of the unsynced changes a cut leaves.
    enum Survival: Equatable {
        case nothing
        case everything
        case some(seed: UInt64)

        var stream: UInt64 { if case .some(let seed) = self { seed } else { 0 } }
    }

    /// What the update under test is.
    enum Story: CaseIterable {
        /// The new version is good.
        case installs
        /// The runtime refuses the new version.
        case rollsBack
        /// The device returns to its local backup as ordered.
        case restores
    }

    static let survivals: [Survival] = [.nothing, .everything] + (1...6).map { .some(seed: $0) }

    @Test("whatever a power cut leaves, the device ends on a whole version and reports once", arguments: Story.allCases)
    func everyOperation(story: Story) throws {
        var operation = 0
        var states = 0
        while true {
            operation += 1
            var isOver = false
            for survival in Self.survivals {
                isOver = try cut(story, at: operation, survival)
                if isOver { break }
                states += 1
            }
            if isOver { break }
        }
        #expect(states > 300, "only \(states) states were tried")
    }

    /// Runs the story with a power cut; true when the story was over before the cut.
    private func cut(_ story: Story, at operation: Int, _ survival: Survival) throws -> Bool {
        let fixture = try Fixture(story)
        let device = fixture.device
        device.disk.setBudget(operation)
        do {
            try device.work()
            return true
        } catch {
            // The power is cut: whatever the agent believed is gone with it.
        }
        var random = SeededChance(seed: UInt64(operation), stream: survival.stream)
        device.disk = device.disk.afterPowerCut { count in
            switch survival {
            case .nothing: return 0
            case .everything: return count
            case .some:
                return random.below(count + 1)
            }
        }
        let before = try JournalStore(files: device.disk).last.accepted
        try expectWhole(device, fixture, "after the cut at \(operation), \(survival)")
        for _ in 0..<3 where try !isSettled(device) { try device.work() }
        try expectWhole(device, fixture, "after the recovery from \(operation), \(survival)")
        let after = try JournalStore(files: device.disk).last
        #expect(after.accepted >= before, "accepted numbers never fall")
        #expect(after.state == .idle)
        let outcomes = device.controller.outcomes.filter { $0.assignment == fixture.number }
        #expect(outcomes.map(\.outcome) == [fixture.outcome], "cut at \(operation), \(survival)")
        #expect(try device.local.current == fixture.current, "cut at \(operation), \(survival)")
        return false
    }

    private func isSettled(_ device: Device) throws -> Bool {
        guard let worker = device.worker, device.disk.operations > 0 else { return false }
        return worker.machine.state == .idle && (device.agent?.outbox.isEmpty ?? false)
    }

    /// Invariants: what serves and what is returned to are sealed and whole; nothing quarantined serves.
    private func expectWhole(_ device: Device, _ fixture: Fixture, _ when: String) throws {
        let local = try device.local
        let current = try #require(local.current, "nothing serves \(when)")
        #expect(try device.store.isWhole(current), "current is not whole \(when)")
        let backup = try #require(local.lastKnownGood, "no backup \(when)")
        #expect(try device.store.isWhole(backup), "lkg is not whole \(when)")
        #expect(current == fixture.old.digest || current == fixture.new.digest)
        let shutOut = try QuarantineStore(files: device.disk).holds(fixture.new.digest, assignment: fixture.number)
        let state = try JournalStore(files: device.disk).last.state
        if shutOut, state == .idle { #expect(current != fixture.new.digest, "a quarantined version serves \(when)") }
    }
}

/// A device with v1 installed and the story's assignment waiting.
private struct Fixture {
    let device: Device
    let old: TestVersion
    let new: TestVersion
    let number: UInt64
    let outcome: AttemptReport.Outcome
    let current: Digest

    init(_ story: PowerCutTests.Story) throws {
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
        }
        // What was done so far is long on the disk.
        device.disk = device.disk.afterPowerCut { $0 }
    }
}

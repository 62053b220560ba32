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

    static let survivals: [Survival] = [.nothing, .everything] + (1...6).map { .some(seed: $0) }

    @Test(
        "whatever a power cut leaves, the device ends on a whole version and reports once",
        arguments: UpdateStory.allCases)
    func everyOperation(story: UpdateStory) throws {
        let fixture = try StoryDevice(story)
        var recovered: Set<CrashState> = []
        var operation = 1
        while let cut = try cut(fixture, at: operation) {
            for survival in Self.survivals {
                let device = try left(of: cut, at: operation, survival)
                // Most cuts leave what another one left already.
                guard recovered.insert(CrashState(device)).inserted else { continue }
                try fixture.expectRecovery(of: device, "cut at \(operation), \(survival)")
            }
            operation += 1
        }
        #expect(recovered.count > 80, "only \(recovered.count) states were tried")
    }

    /// What a recovery starts from.
    private struct CrashState: Hashable {
        let disk: MemoryDisk.State
        let reports: Set<UInt64>
        let serving: Digest?

        init(_ device: Device) {
            disk = device.disk.state.withLock { $0 }
            reports = device.controller.state.withLock { Set($0.reports.keys) }
            serving = device.runtime.state.withLock { $0.serving }
        }
    }

    /// The device when the power is cut; nil when the story was over before.
    private func cut(_ fixture: StoryDevice, at operation: Int) throws -> Device? {
        let device = try fixture.device.copy()
        device.disk.setBudget(operation)
        do {
            try device.work()
            return nil
        } catch {
            // The power is cut: whatever the agent believed is gone with it.
            return device
        }
    }

    /// What the cut leaves of the device.
    private func left(of cut: Device, at operation: Int, _ survival: Survival) throws -> Device {
        var random = SeededChance(seed: UInt64(operation), stream: survival.stream)
        let disk = cut.disk.afterPowerCut { count in
            switch survival {
            case .nothing: return 0
            case .everything: return count
            case .some:
                return random.below(count + 1)
            }
        }
        return try cut.copy(disk: disk)
    }
}

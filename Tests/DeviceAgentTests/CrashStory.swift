import DeviceUpdates
import Fleet
import Synchronization
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// An update whose every write is cut short in every way.
enum CrashStory: String, CaseIterable {
    case firstInstall = "first install"
    case update
    case resumedDownload = "update, download broken off"
    case thirdVersion = "update that removes an older version"
    case refusedByRuntime = "runtime refuses the version"
    case failsSmokeTest = "version fails its smoke test"
    case crashesOnProbation = "runtime crashes on probation"
    case retriedAfterQuarantine = "quarantined version, ordered anew"
    case orderedReturn = "ordered return to the backup"
    case reinstall
    case promotion = "promotion that raises the floor"
    case withdrawn = "assigned version was withdrawn"
    case expired = "assignment has expired"
    case damaged = "serving version is damaged"

    /// How the attempt ends when nothing disturbs it.
    var outcome: AttemptReport.Outcome {
        switch self {
        case .firstInstall, .update, .resumedDownload, .thirdVersion, .retriedAfterQuarantine, .reinstall, .promotion:
            .succeeded
        case .refusedByRuntime, .failsSmokeTest, .crashesOnProbation: .failed
        case .withdrawn: .failed
        case .expired: .rejected
        case .orderedReturn, .damaged: .rolledBack
        }
    }
}

/// A device before a story's update, and how it stands after it.
struct CrashScene {
    let story: CrashStory
    let device: Device
    let versions: [TestVersion]
    /// The number of the assignment that is disturbed.
    let number: UInt64
    /// What the controller knows of that assignment's attempts at the end, and what serves then.
    let outcomes: [AttemptReport.Outcome]
    let current: Digest?

    /// Makes a story's device; its versions have so many files more than they need.
    init(_ story: CrashStory, files: Int = 0) throws {
        self.story = story
        let more = Dictionary(uniqueKeysWithValues: (0..<files).map { ("parts/\($0)/weights", [UInt8($0), 7]) })
        let device = try Device()
        let golden = story == .failsSmokeTest ? ["golden.json": Array(FailureTests.golden.utf8)] : [:]
        let floor: UInt64 = story == .promotion || story == .withdrawn ? 2 : 0
        let v1 = try TestVersion("v1.0.0", model: device.model, extra: more, counter: 1)
        let v2 = try TestVersion(
            "v2.0.0", model: device.model,
            extra: golden.merging(more.mapValues { $0 + [2] }) { $1 }.merging(["deep/er/notes.txt": [1, 2, 3]]) { $1 },
            counter: 2,
            floor: floor)
        let v3 = try TestVersion("v3.0.0", model: device.model, extra: more, counter: 3)
        self.device = device
        versions = [v1, v2, v3]
        for version in versions { device.controller.offer(version) }
        number = try Self.arrange(story, device, v1, v2, v3)
        // What was done so far is long on the disk.
        device.disk = device.disk.afterPowerCut { $0 }
        let undisturbed = try device.copy()
        try undisturbed.work()
        outcomes = undisturbed.outcomes(of: number)
        current = try undisturbed.local.current
    }

    /// Everything before the update, and its order; returns the order's number.
    private static func arrange(
        _ story: CrashStory, _ device: Device, _ v1: TestVersion, _ v2: TestVersion, _ v3: TestVersion
    ) throws -> UInt64 {
        let bad = v2.digest
        device.order(1, run: v1, fallback: nil)
        if story == .firstInstall { return 1 }
        try device.work()
        switch story {
        case .refusedByRuntime, .retriedAfterQuarantine:
            device.runtime.state.withLock { _ = $0.refused.insert(bad) }
        case .crashesOnProbation: device.runtime.state.withLock { _ = $0.unstable.insert(bad) }
        case .resumedDownload: device.controller.state.withLock { $0.breaks = [3, 2, 4] }
        case .reinstall: device.order(2, run: v1, fallback: v1, reinstall: true)
        case .firstInstall, .update, .thirdVersion, .failsSmokeTest, .orderedReturn, .promotion, .withdrawn, .expired,
            .damaged:
            break
        }
        if story == .reinstall { return 2 }
        device.order(2, run: v2, fallback: v1, expiresAt: story == .expired ? 1_000_000_001 : 4_000_000_000)
        switch story {
        case .thirdVersion, .retriedAfterQuarantine, .orderedReturn, .promotion, .withdrawn, .damaged:
            try device.work()
        case .firstInstall, .update, .resumedDownload, .refusedByRuntime, .failsSmokeTest, .crashesOnProbation,
            .reinstall, .expired:
            return 2
        }
        return try arrangeLater(story, device, v1, v2, v3)
    }

    private static func arrangeLater(
        _ story: CrashStory, _ device: Device, _ v1: TestVersion, _ v2: TestVersion, _ v3: TestVersion
    ) throws -> UInt64 {
        switch story {
        case .thirdVersion: device.order(3, run: v3, fallback: v2)
        case .retriedAfterQuarantine:
            device.runtime.state.withLock { $0.refused = [] }
            device.order(3, run: v2, fallback: v1, retry: 3)
        case .orderedReturn: device.order(3, run: v1, fallback: v1)
        case .promotion: device.order(3, run: v2, fallback: v2)
        case .withdrawn:
            device.order(3, run: v2, fallback: v2)
            try device.work()
            device.order(4, run: v1, fallback: v2)
            return 4
        case .damaged:
            try device.damage(v2)
            return 2
        case .firstInstall, .update, .resumedDownload, .refusedByRuntime, .failsSmokeTest, .crashesOnProbation,
            .reinstall, .expired:
            break
        }
        return 3
    }
}

extension Device {
    /// What the controller knows of an assignment's attempts.
    func outcomes(of assignment: UInt64) -> [AttemptReport.Outcome] {
        controller.outcomes.filter { $0.assignment == assignment }.map(\.outcome)
    }
}

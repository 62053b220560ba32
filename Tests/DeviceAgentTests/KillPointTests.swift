import DeviceUpdates
import Testing

@testable import DeviceAgent
@testable import SimulatedWorld

/// Kills the agent around every durable write and starts it again.
@Suite struct KillPointTests {
    @Test(
        "an agent that is killed anywhere goes on after its start, ends as if nothing had happened, and reports once",
        arguments: KillPoint.allCases)
    func killedOnce(point: KillPoint) throws {
        var reached = 0
        for story in UpdateStory.allCases {
            let fixture = try StoryDevice(story)
            let device = try fixture.device.copy()
            guard try killed(device, at: point) else { continue }
            reached += 1
            try fixture.expectRecovery(of: device, "\(story) killed at \(point.rawValue)")
        }
        #expect(reached > 0, "no story gets to \(point.rawValue)")
    }

    @Test("an agent that is killed at the same place again and again gives up safely", arguments: KillPoint.allCases)
    func killedOften(point: KillPoint) throws {
        for story in UpdateStory.allCases {
            let fixture = try StoryDevice(story)
            let device = try fixture.device.copy()
            var kills = 0
            while kills < 8, try killed(device, at: point) { kills += 1 }
            guard kills > 0 else { continue }
            // Too many starts are the version's fault, so the outcome may be another one; it is whole and one all the
            // same.
            try fixture.expectRecovery(of: device, asIfUndisturbed: false, "\(story) killed \(kills) times at \(point)")
        }
    }

    /// Lets the device work until it is killed at the point; false when it never gets there.
    private func killed(_ device: Device, at point: KillPoint) throws -> Bool {
        device.killAt = point
        defer { device.killAt = nil }
        do {
            try device.work()
        } catch {
            guard device.disk.isCut else { throw error }
        }
        guard device.disk.isCut else { return false }
        // The process is gone, the machine is not: everything it wrote is there.
        device.disk = device.disk.afterPowerCut { $0 }
        return true
    }
}

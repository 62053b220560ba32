import Fleet
import Orchestration
import Rollouts
import Testing
import WireFormat

@testable import SQLStore
@testable import SimulatedWorld

/// A controller and its fleet on each database.
@Suite struct DatabaseRolloutTests {
    @Test(
        "a whole rollout is rolled back on it across restarts, and every count is there",
        arguments: StoreKind.databases)
    func rollback(kind: StoreKind) throws {
        let place = try StorePlace(kind)
        let world = try World(store: place.store)
        try world.settle()
        world.failureRates[world.versions[1].digest] = 0.4
        try world.want(2)
        for round in 1...40 where world.rollout?.state != .rolledBack {
            try world.run(1)
            if round.isMultiple(of: 3) { try world.restartController(store: place.reopened) }
        }
        #expect(world.decided == [.rollback])
        #expect(world.serving(1).count == 12)
        try world.run(3)
        for device in world.devices {
            let totals = try world.controller.device(device.id).totals.map { ($0.digest, $0.totals) }
            #expect(Dictionary(uniqueKeysWithValues: totals) == device.runtime.counted, "\(device.id)")
        }
    }
}

import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// What a tick writes.
@Suite struct TickCostTests {
    @Test func `a rollout is written once in a tick, however many of its devices began to serve in it`() throws {
        let store = MemoryStore()
        let world = try World(store: store)
        try world.enrol(12)
        try world.want(1)
        var most = 0
        for version in 1...2 {
            try world.want(version)
            for _ in 0..<30 {
                let before = world.rollout?.progress.exposed ?? 0
                try world.run(1)
                let written = store.lastCommit.count { if case .rollout = $0 { true } else { false } }
                #expect(written <= 1)
                most = max(most, (world.rollout?.progress.exposed ?? 0) - before)
            }
        }
        #expect(most > 3, "several devices began at once")
    }

    @Test func `what is written of it is how it ended up, and comes before what refers to it`() throws {
        let store = MemoryStore()
        let world = try World(store: store)
        try world.settle(devices: 12)
        try world.want(2)
        let id = try #require(world.rollout?.id)
        var written: [Rollout] = []
        for change in store.lastCommit {
            switch change {
            case .rollout(let rollout): written.append(rollout)
            case .experiment, .decision, .evidence: #expect(written.count == 1, "it refers to the rollout")
            default: continue
            }
        }
        #expect(written == [try #require(world.controller.state.rollouts[id]?.rollout)])
        #expect(written.first?.steps.isEmpty == false)
    }
}

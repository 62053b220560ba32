import Fleet
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Which policy holds for deployments that name none.
@Suite struct DefaultPolicyTests {
    private func apply(_ world: World, version: Int) throws -> RolloutResource {
        let result = try world.controller.apply(
            Deployment(
                name: world.deployment, selector: .everything, model: world.model,
                version: world.versions[version - 1].name),
            dryRun: false, by: world.person)
        return try world.controller.rollout(try #require(result.rollout)).resource
    }

    @Test("the product's own holds until somebody applies one called default, which holds for what starts then")
    func applied() throws {
        let world = try World()
        try world.enrol(2)
        let first = try apply(world, version: 1)
        #expect(first.policy == FleetState.standardPolicy)
        var policy = world.policy
        policy.name = FleetState.standardPolicy.name
        policy.soakSeconds = 7
        _ = try world.controller.apply(policy, dryRun: false, by: world.person)
        let second = try apply(world, version: 2)
        #expect(second.policy == policy)
        #expect(try world.controller.rollout(first.id).resource.policy == FleetState.standardPolicy)
        #expect(try world.controller.policy(policy.name) == policy)
        try world.controller.removePolicy(policy.name, by: world.person)
        #expect(try apply(world, version: 3).policy == FleetState.standardPolicy)
    }
}

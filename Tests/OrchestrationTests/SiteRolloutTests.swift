import CanaryAnalysis
import Fleet
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Rollouts whose steps draw whole sites.
@Suite struct SiteRolloutTests {
    /// Eight sites of two devices on v1, of which a step for five devices draws three sites; v2 is on its way.
    private func rolling(rate: Double) throws -> World {
        let world = try World()
        world.policy.unit = "site"
        world.policy.steps = [.devices(5), .percent(100)]
        for site in 1...8 { try world.enrol(2, site: "site\(site)") }
        try world.want(1)
        try world.run(5)
        world.failureRates[world.versions[1].digest] = rate
        try world.want(2)
        return world
    }

    /// The devices that run v2, by site.
    private func exposed(_ world: World) throws -> [String: Int] {
        var sites: [String: Int] = [:]
        for device in world.serving(2) {
            let labels = try world.controller.device(device.id).labels
            sites[labels["site"] ?? "", default: 0] += 1
        }
        return sites
    }

    @Test("a step draws whole sites, says how many, and a bad version is rolled back by them")
    func rollsBack() throws {
        let world = try rolling(rate: 0.4)
        try world.run(2)
        let sites = try exposed(world)
        #expect(sites.count == 3 && sites.values.allSatisfy { $0 == 2 })
        let judgement = try #require(world.rollout?.judgement)
        #expect(judgement.armsInWords.hasPrefix("3 sites, 6 devices ("))
        #expect(judgement.armsInWords.hasSuffix(") against 5 sites, 10 devices"))
        let isBack = try world.run(atMost: 30) { $0.rollout?.state == .rolledBack }
        #expect(isBack)
        #expect(world.rollout?.decisions.last?.reason == "harm_proven")
        let draws = try world.controller.audit(before: nil, limit: 100).filter { $0.action == "step.draw" }
        #expect(draws.first?.detail["units"] == "3 sites")
    }

    @Test("a good version is promoted, the last step leaving sites to compare with")
    func promotes() throws {
        let world = try rolling(rate: 0.01)
        let isLast = try world.run(atMost: 120) { $0.rollout?.step == 2 && $0.rollout?.judgement?.units != nil }
        #expect(isLast)
        // Five sites are left, and half of their devices stay out: three are drawn, as in the step before.
        let isOver = try world.run(atMost: 120) { world in
            if let units = world.rollout?.judgement?.units, world.rollout?.step == 2 {
                #expect(units.canaries == 3 && [5, 2].contains(units.others))
            }
            return world.rollout?.state == .completed
        }
        #expect(isOver)
    }

    @Test("a new controller goes on with the same units")
    func restarts() throws {
        let world = try rolling(rate: 0.05)
        try world.run(4)
        let before = try #require(world.rollout?.judgement)
        try world.restartController()
        #expect(world.rollout?.judgement == before && before.units != nil)
    }
}

import Fleet
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// Deployments whose devices a person named.
@Suite struct NamedDevicesTests {
    private func ids(_ names: String...) throws -> [DeviceID] { try names.map { try DeviceID($0) } }

    @Test("only those named get the version, and a later one rolls out among them alone")
    func named() throws {
        let world = try World()
        world.policy.smallFleetDevices = 20
        world.policy.smallFleetSoakSeconds = 10
        try world.enrol(4)
        world.named = try ids("d101", "d102")
        try world.want(1)
        try world.run(10)
        #expect(world.serving(1).map(\.id) == (try ids("d101", "d102")))
        try world.want(2)
        #expect(try world.run(atMost: 80) { $0.rollout?.state == .completed })
        #expect(world.serving(2).map(\.id) == (try ids("d101", "d102")))
        #expect(try world.assigned(1).isEmpty)
        #expect(world.rollout?.decisions.allSatisfy { $0.sentence.contains("not proven") } == true)
    }

    @Test("a selector beside the names narrows them; each name it does not match is refused")
    func selector() throws {
        let world = try World()
        try world.enrol(2)
        try world.enrol(1, site: "lab")
        func remedies(_ devices: [DeviceID], _ selector: String = "") throws -> [String] {
            let refusal = #expect(throws: Problem.self) {
                try world.controller.apply(
                    Deployment(
                        name: world.deployment, selector: try Selector(selector), devices: devices, model: world.model,
                        version: world.versions[0].name), dryRun: false, by: world.person)
            }
            return try #require(refusal).faults.filter { $0.field == "devices" }.map(\.remedy)
        }
        #expect(
            try remedies(try ids("d100", "d102"), "site=berlin")
                == ["\"site=berlin\" does not match d102; change the selector"])
        #expect(
            try remedies(try ids("d100", "d999"))
                == ["no such device is enrolled: d999; `edgectl device list` shows the ids"])
        #expect(try remedies([]) == ["name 1 to 1000 devices, or leave the field out and select by labels"])
    }

    @Test("a device that has the model by another deployment cannot be named, and is told by which")
    func taken() throws {
        let world = try World()
        try world.settle(devices: 3)
        let refusal = #expect(throws: Problem.self) {
            try world.controller.apply(
                Deployment(
                    name: try DeploymentName("other"), selector: .everything, devices: try ids("d101"),
                    model: world.model, version: world.versions[1].name), dryRun: false, by: world.person)
        }
        #expect(
            refusal?.faults.map(\.remedy)
                == ["d101 has digits by deployment digits; deploy to that one, or remove it first"])
    }
}

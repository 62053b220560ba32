import Fleet
import Orchestration
import Rollouts
import Testing
import WireFormat

@testable import SimulatedWorld

/// Rollouts that start only when somebody else than their author says so.
@Suite struct ApprovalTests {
    let world: World
    private let bo = Caller.person(id: "key-2", name: "bo", role: .releaseManager)
    private let author = Caller.person(id: "key-1", name: "ada", role: .releaseManager)

    /// A fleet that serves v1, where v2 waits for approvals.
    init() throws {
        world = try World()
        try world.settle()
        world.policy.approvals = 1
    }

    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? Problem)?.code
        }
    }

    private func approve(_ caller: Caller) throws {
        let id = try #require(world.rollout?.id)
        _ = try world.controller.approve(ApprovalRequest(reason: "looked at it"), rollout: id, by: caller)
    }

    @Test("a rollout waits, says for whom, and starts with the approval of another person; both are in the audit log")
    func approved() throws {
        _ = try world.controller.createAPIKey(APIKeyRequest(name: "bo", role: .releaseManager), by: world.person)
        _ = try world.controller.createAPIKey(APIKeyRequest(name: "Ada ", role: .operator), by: world.person)
        _ = try world.controller.createAPIKey(APIKeyRequest(name: "vera", role: .viewer), by: world.person)
        _ = try world.controller.createAPIKey(
            APIKeyRequest(name: "ci", role: .operator, holder: .machine), by: world.person)
        let applied = try world.want(2)
        #expect(applied.warnings.contains { $0.contains("edgectl rollout approve") })
        try world.run(5)
        var rollout = try #require(world.rollout)
        #expect(rollout.state == .pending && rollout.waitReason == "approval_awaited")
        #expect(rollout.waitSentence?.contains("another person than ada") == true)
        #expect(rollout.author == "ada" && rollout.approvalsMissing == 1 && rollout.approvers == ["bo"])
        #expect(world.serving(2).isEmpty)
        try world.restartController()
        try approve(bo)
        rollout = try #require(world.rollout)
        #expect(rollout.state == .progressing && rollout.waitReason == nil && rollout.approvalsMissing == nil)
        #expect(rollout.approvals?.map(\.by) == ["bo"])
        try world.run(2)
        #expect(world.serving(2).count == 4)
        let rows = try world.controller.audit(before: nil, limit: 100)
        let propose = try #require(rows.first { $0.action == "rollout.propose" })
        let approval = try #require(rows.first { $0.action == "rollout.approve" })
        #expect(propose.actor == "ada" && approval.actor == "bo" && propose.number < approval.number)
        #expect(approval.detail["reason"] == "looked at it")
        #expect(code { try approve(bo) } == "approval_not_awaited")
    }

    @Test("neither the author, by whichever key, nor a machine nor the same person twice approves")
    func others() throws {
        world.policy.approvals = 2
        try world.want(2)
        for (id, name) in [("key-1", "ada"), ("key-9", "ada"), ("key-9", " ADA")] {
            let caller = Caller.person(id: id, name: name, role: .admin)
            #expect(code { try approve(caller) } == "other_person_needed", "\(id) \(name)")
        }
        let machine = Caller.person(Operator(id: "key-3", name: "ci", holder: .machine, role: .admin))
        #expect(code { try approve(machine) } == "person_needed")
        try approve(bo)
        #expect(world.rollout?.state == .pending && world.rollout?.approvalsMissing == 1)
        #expect(code { try approve(bo) } == "other_person_needed")
        try approve(.person(id: "key-4", name: "cy", role: .releaseManager))
        #expect(world.rollout?.state == .progressing)
    }

    @Test("no command starts what is not approved: neither halt and resume, nor advance, nor promote, nor retry")
    func commands() throws {
        try world.want(2)
        #expect(code { try world.order(.advance) } == "command_refused")
        try world.order(.halt)
        #expect(code { try world.order(.advance) } == "command_refused")
        #expect(code { try world.order(.promote) } == "command_refused")
        try world.order(.resume)
        try world.run(3)
        #expect(world.rollout?.state == .pending && world.rollout?.waitReason == "approval_awaited")
        #expect(world.serving(2).isEmpty)
        try approve(bo)
        try world.run(2)
        try world.order(.rollback)
        #expect(try world.run(atMost: 20) { $0.rollout?.state == .rolledBack })
        try world.order(.retry)
        #expect(world.rollout?.state == .pending && world.rollout?.approvalsMissing == 1)
    }

    @Test("a first installation waits too, and devices that join meanwhile get nothing")
    func firstInstallation() throws {
        let world = try World()
        world.policy.approvals = 1
        try world.enrol(2)
        try world.want(1)
        try world.enrol(1)
        try world.run(2)
        #expect(world.serving(1).isEmpty && world.rollout?.state == .pending)
        let id = try #require(world.rollout?.id)
        _ = try world.controller.approve(ApprovalRequest(reason: "go"), rollout: id, by: bo)
        try world.run(2)
        #expect(world.serving(1).count == 3)
    }

    @Test("who may release cannot take the demand back by policy or deployment; an admin can")
    func kept() throws {
        try world.want(2)
        var lax = world.policy
        lax.approvals = 0
        let name = world.policy.name
        let bare = Deployment(
            name: world.deployment, selector: .everything, model: world.model, version: world.versions[1].name)
        for attempt in [
            { _ = try world.controller.apply(lax, dryRun: false, by: author) },
            { _ = try world.controller.apply(bare, dryRun: false, by: author) },
            { try world.controller.removeDeployment(world.deployment, by: author) },
        ] as [() throws -> Void] {
            #expect(code(attempt) == "approvals_kept")
        }
        #expect(try world.controller.policy(name).approvals == 1)
        _ = try world.controller.apply(lax, dryRun: false, by: world.person)
        #expect(world.rollout?.state == .pending, "what was started keeps its policy")
    }
}

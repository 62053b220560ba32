import Fleet
import Rollouts
import Testing

/// Stories of a rollout: events in, actions out, no clock but the one that is passed in.
@Suite struct RolloutTests {
    private func at(_ seconds: Double) -> Timestamp { Timestamp(milliseconds: Int64(seconds * 1000)) }

    private func device(_ number: Int) throws -> DeviceID { try DeviceID("d\(number)") }

    private func version(_ name: String, _ byte: UInt8) throws -> VersionReference {
        VersionReference(
            name: try VersionName(name), digest: try #require(Digest(bytes: Array(repeating: byte, count: 32))))
    }

    private func rollout(
        steps: [StepSize] = [.devices(2), .percent(100)], from: Bool = true, change: (inout Policy) -> Void = { _ in }
    ) throws -> Rollout {
        var policy = Policy(name: try PolicyName("p"), steps: steps, soakSeconds: 20, deadlineSeconds: 300)
        change(&policy)
        let deployment = Deployment(
            name: try DeploymentName("digits"), selector: .everything, model: try ModelName("digits"),
            version: try VersionName("v2"))
        return Rollout(
            id: try RolloutID("digits-2"), deployment: deployment, from: from ? try version("v1", 1) : nil,
            to: try version("v2", 2), policy: policy, salt: 7, at: at(0))
    }

    private func exposed() throws -> Rollout {
        var rollout = try rollout()
        _ = rollout.started(at: at(0))
        _ = rollout.stepDrawn(1, cohort: [try device(1), try device(2)], eligible: 8, at: at(1))
        _ = rollout.deviceExposed(try device(1), at: at(2))
        _ = rollout.deviceExposed(try device(2), at: at(3))
        return rollout
    }

    private var harm: Grounds {
        var grounds = Grounds(cause: .judge, reason: "harm_proven", sentence: "failures rose")
        grounds.metric = "failures"
        grounds.evidence = 12
        grounds.bound = 9
        return grounds
    }

    private var proof: Grounds { Grounds(cause: .judge, reason: "proven", sentence: "within tolerance") }

    private var soaking: Grounds { Grounds(cause: .judge, reason: "soak", sentence: "the soak goes on") }

    private func decisions(_ actions: [RolloutAction]) -> [Decision] {
        actions.compactMap { if case .record(let decision) = $0 { decision } else { nil } }
    }

    @Test("a started rollout draws its first step and commands its cohort")
    func starts() throws {
        var rollout = try rollout()
        #expect(rollout.started(at: at(0)) == [.drawStep(1)])
        let cohort = [try device(1), try device(2)]
        #expect(rollout.stepDrawn(1, cohort: cohort, eligible: 8, at: at(1)) == [.command(cohort)])
        #expect(rollout.state == .progressing)
        #expect(rollout.currentStep?.deadlineAt == at(301))
    }

    @Test("no more devices update at once than the policy allows")
    func grants() throws {
        var rollout = try rollout { $0.concurrentUpdates = 1 }
        _ = rollout.started(at: at(0))
        let cohort = [try device(1), try device(2)]
        #expect(rollout.stepDrawn(1, cohort: cohort, eligible: 8, at: at(1)) == [.command([try device(1)])])
        #expect(rollout.deviceExposed(try device(1), at: at(2)) == [.command([try device(2)])])
    }

    @Test("harm takes the version back from every device that was commanded, and ends when all are back")
    func rollsBack() throws {
        var rollout = try exposed()
        let actions = rollout.tickJudged([.rollback(harm)], outage: nil, at: at(9))
        let decision = try #require(decisions(actions).first)
        #expect(decision.kind == .rollback)
        #expect(decision.cause == .judge)
        #expect(decision.metric == "failures")
        #expect(decision.exposedDevices == 2)
        #expect(actions.contains(.takeBack([try device(1), try device(2)])))
        #expect(rollout.state == .rollingBack)
        _ = rollout.deviceRestored(try device(1), at: at(10))
        #expect(rollout.state == .rollingBack)
        _ = rollout.deviceRestored(try device(2), at: at(11))
        #expect(rollout.state == .rolledBack)
        #expect(rollout.endedAt == at(11))
    }

    @Test("a rollback does not wait for devices that nobody can reach")
    func unreachable() throws {
        var rollout = try exposed()
        _ = rollout.tickJudged([.rollback(harm)], outage: nil, at: at(9))
        _ = rollout.deviceRestored(try device(1), at: at(10))
        _ = rollout.clockMoved(to: at(20), unreachable: [try device(2)])
        #expect(rollout.state == .rolledBack)
    }

    @Test("a proven step advances, and the last one promotes to the rest")
    func advances() throws {
        var rollout = try exposed()
        let advance = rollout.tickJudged([.advance(proven: true, proof)], outage: nil, at: at(30))
        #expect(decisions(advance).map(\.kind) == [.advance])
        #expect(advance.last == .drawStep(2))
        #expect(rollout.steps.first?.outcome == .proven)
        _ = rollout.stepDrawn(2, cohort: [try device(3)], eligible: 6, at: at(31))
        let promote = rollout.tickJudged(
            [.undecided(soaking), .advance(proven: false, proof)], outage: nil, at: at(60))
        #expect(decisions(promote).map(\.kind) == [.promote])
        #expect(promote.last == .drawWatch)
        #expect(rollout.steps.last?.outcome == .notProvenHere)
        #expect(rollout.state == .watching)
    }

    @Test("harm found in an earlier step's evidence rolls back too, and so does harm in the watch")
    func earlierStep() throws {
        var rollout = try exposed()
        _ = rollout.tickJudged([.advance(proven: true, proof)], outage: nil, at: at(30))
        _ = rollout.stepDrawn(2, cohort: [try device(3)], eligible: 6, at: at(31))
        _ = rollout.tickJudged([.undecided(soaking), .advance(proven: true, proof)], outage: nil, at: at(60))
        let actions = rollout.tickJudged([.rollback(harm), .undecided(soaking)], outage: nil, at: at(4000))
        #expect(decisions(actions).map(\.kind) == [.rollback])
        #expect(rollout.promotedAt == nil)
    }

    @Test("the watch ends with the version as the fallback, and the holdback gets it too")
    func watchEnds() throws {
        var rollout = try exposed()
        _ = try rollout.commanded(.promote, by: "ana", reason: "hotfix", at: at(30))
        #expect(rollout.state == .watching)
        #expect(rollout.clockMoved(to: at(40), unreachable: []).isEmpty)
        #expect(rollout.clockMoved(to: at(30 + 86_400), unreachable: []) == [.commandRest, .makeFallback])
        #expect(rollout.state == .completed)
    }

    @Test(
        "an undecided step is given to a person at its deadline, never promoted",
        arguments: [
            (Policy.DeadlineAction.halt, DecisionKind.halt), (.rollback, .rollback), (.hold, .hold),
        ])
    func deadline(action: Policy.DeadlineAction, kind: DecisionKind) throws {
        var rollout = try rollout { $0.onDeadline = action }
        _ = rollout.started(at: at(0))
        _ = rollout.stepDrawn(1, cohort: [try device(1)], eligible: 8, at: at(1))
        #expect(rollout.tickJudged([.undecided(soaking)], outage: nil, at: at(300)).isEmpty)
        let actions = rollout.tickJudged([.undecided(soaking)], outage: nil, at: at(301))
        #expect(decisions(actions).map(\.kind) == [kind])
        #expect(decisions(actions).first?.cause == .deadline)
    }

    @Test("missing data holds, and halts after the policy's limit")
    func noData() throws {
        var rollout = try exposed()
        let nothing = Grounds(cause: .judge, reason: "no_data", sentence: "no data")
        let held = rollout.tickJudged([.noData(nothing)], outage: nil, at: at(10))
        #expect(decisions(held).map(\.kind) == [.hold])
        #expect(rollout.tickJudged([.noData(nothing)], outage: nil, at: at(20)).isEmpty)
        let halted = rollout.tickJudged([.noData(nothing)], outage: nil, at: at(911))
        #expect(decisions(halted).map(\.kind) == [.halt])
        #expect(decisions(halted).first?.cause == .noData)
    }

    @Test("a hold ends by itself when its reason has passed, and says so once")
    func holdPasses() throws {
        var rollout = try exposed()
        let outage = Grounds(cause: .outage, reason: "mass_silence", sentence: "a site is away")
        #expect(decisions(rollout.tickJudged([.undecided(soaking)], outage: outage, at: at(10))).map(\.kind) == [.hold])
        #expect(rollout.tickJudged([.undecided(soaking)], outage: outage, at: at(12)).isEmpty)
        #expect(rollout.wait?.since == at(10))
        #expect(decisions(rollout.tickJudged([.undecided(soaking)], outage: nil, at: at(14))).map(\.kind) == [.resume])
        #expect(rollout.state == .progressing)
    }

    @Test("a halted rollout grants nothing and is not advanced by the judge, but harm still rolls it back")
    func halted() throws {
        var rollout = try rollout { $0.concurrentUpdates = 1 }
        _ = rollout.started(at: at(0))
        _ = rollout.stepDrawn(1, cohort: [try device(1), try device(2)], eligible: 8, at: at(1))
        _ = try rollout.commanded(.halt, by: "ana", reason: "look first", at: at(2))
        #expect(rollout.deviceExposed(try device(1), at: at(3)).isEmpty)
        #expect(rollout.tickJudged([.advance(proven: true, proof)], outage: nil, at: at(30)).isEmpty)
        #expect(decisions(try rollout.commanded(.resume, by: "ana", reason: "fine", at: at(31))).first?.actor == "ana")
        _ = try rollout.commanded(.halt, by: "ana", reason: "again", at: at(32))
        #expect(decisions(rollout.tickJudged([.rollback(harm)], outage: nil, at: at(33))).map(\.kind) == [.rollback])
    }

    @Test("a device that fails goes back alone and stays a member of its cohort")
    func deviceFails() throws {
        var rollout = try exposed()
        let one = try device(1)
        #expect(rollout.deviceFailed(one, reason: "smoke_failed", at: at(5)) == [.takeBack([one])])
        #expect(rollout.members[one]?.progress == .failed(reason: "smoke_failed"))
        #expect(rollout.deviceFailed(one, reason: "smoke_failed", at: at(6)).isEmpty)
    }

    @Test("a newer version supersedes a rollout and brings its devices back first")
    func superseded() throws {
        var rollout = try exposed()
        let actions = rollout.superseded(by: try version("v3", 3), at: at(9))
        #expect(actions == [.takeBack([try device(1), try device(2)])])
        #expect(rollout.state == .superseded)
    }

    @Test("a first installation goes to everybody without a judge and completes when all run it")
    func firstInstallation() throws {
        var rollout = try rollout(from: false)
        #expect(rollout.started(at: at(0)) == [.commandRest])
        _ = rollout.restCommanded([try device(1), try device(2)], at: at(0))
        #expect(!rollout.isJudged)
        _ = rollout.deviceExposed(try device(1), at: at(4))
        #expect(rollout.state == .progressing)
        _ = rollout.deviceExposed(try device(2), at: at(5))
        #expect(rollout.state == .completed)
        #expect(rollout.promotedAt == at(5))
    }

    @Test("a step without eligible devices waits and says so, and is drawn again when time passes")
    func nobodyEligible() throws {
        var rollout = try rollout()
        _ = rollout.started(at: at(0))
        #expect(rollout.stepFoundNobody(1, left: 1, at: at(1)).isEmpty)
        #expect(rollout.wait?.reason == "no_eligible_devices")
        #expect(rollout.clockMoved(to: at(2), unreachable: []) == [.drawStep(1)])
    }

    @Test("commands that make no sense are refused with a remedy", arguments: RolloutCommand.allCases)
    func refusals(command: RolloutCommand) throws {
        var rollout = try exposed()
        _ = rollout.tickJudged([.rollback(harm)], outage: nil, at: at(9))
        #expect(throws: CommandRefusal.self) {
            _ = try rollout.commanded(command, by: "ana", reason: "why", at: at(10))
        }
        _ = rollout.deviceRestored(try device(1), at: at(10))
        _ = rollout.deviceRestored(try device(2), at: at(10))
        #expect(throws: CommandRefusal.ended(command, .rolledBack)) {
            _ = try rollout.commanded(command, by: "ana", reason: "why", at: at(11))
        }
    }
}

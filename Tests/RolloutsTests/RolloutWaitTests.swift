import Fleet
import Rollouts
import Testing

/// Stories in which a rollout waits, and what ends the wait.
@Suite struct RolloutWaitTests {
    private typealias Sample = SampleRollout

    /// A rollout whose first step a person advanced and whose second step found nobody.
    private func awaitingSecondStep() throws -> Rollout {
        var rollout = try Sample.exposed()
        _ = try rollout.commanded(.advance, by: "ana", reason: "seen enough", at: Sample.at(30))
        _ = rollout.stepFoundNobody(2, left: 1, at: Sample.at(30))
        return rollout
    }

    @Test(
        "a later step that found nobody is drawn again whatever the judge says of the one before",
        arguments: [StepFinding.undecided(SampleRollout.soaking), .advance(proven: true, SampleRollout.proof)])
    func laterStepFoundNobody(finding: StepFinding) throws {
        var rollout = try awaitingSecondStep()
        #expect(rollout.tickJudged([finding], outage: nil, at: Sample.at(32)).isEmpty)
        #expect(rollout.wait?.reason == "no_eligible_devices")
        #expect(rollout.clockMoved(to: Sample.at(32), unreachable: []) == [.drawStep(2)])
        #expect(rollout.steps.first?.outcome == .byPerson)
    }

    @Test("while a step waits for devices, harm still rolls back and an outage still holds")
    func watchedWhileWaiting() throws {
        var held = try awaitingSecondStep()
        let away = held.tickJudged([.undecided(Sample.soaking)], outage: Sample.away, at: Sample.at(32))
        #expect(Sample.decisions(away) == [.hold])
        #expect(held.clockMoved(to: Sample.at(32), unreachable: []).isEmpty)
        let back = held.tickJudged([.advance(proven: true, Sample.proof)], outage: nil, at: Sample.at(34))
        #expect(Sample.decisions(back) == [.resume])
        #expect(held.clockMoved(to: Sample.at(34), unreachable: []) == [.drawStep(2)])

        var harmed = try awaitingSecondStep()
        let actions = harmed.tickJudged([.rollback(Sample.harm)], outage: nil, at: Sample.at(32))
        #expect(Sample.decisions(actions) == [.rollback])
    }

    @Test("a step that waits for devices is drawn after a halt and its end, and its decided step stays decided")
    func haltedWhileWaiting() throws {
        var rollout = try awaitingSecondStep()
        _ = try rollout.commanded(.halt, by: "ana", reason: "look", at: Sample.at(40))
        let resumed = try rollout.commanded(.resume, by: "ana", reason: "fine", at: Sample.at(4000))
        #expect(resumed.last == .drawStep(2))
        #expect(rollout.steps.first?.outcome == .byPerson)
    }

    @Test("a deadline that only holds is decided once, not at every tick")
    func deadlineHold() throws {
        var rollout = try Sample.exposed { $0.onDeadline = .hold }
        let held = rollout.tickJudged([.hold(Sample.nothing)], outage: nil, at: Sample.at(300))
        #expect(Sample.decisions(held) == [.hold])
        let overdue = rollout.tickJudged([.undecided(Sample.soaking)], outage: nil, at: Sample.at(301))
        #expect(Sample.decisions(overdue) == [.hold])
        #expect(rollout.wait?.reason == "deadline_undecided")
        for finding in [StepFinding.undecided(Sample.soaking), .hold(Sample.nothing), .undecided(Sample.soaking)] {
            #expect(rollout.tickJudged([finding], outage: nil, at: Sample.at(302)).isEmpty)
        }
        #expect(rollout.state == .holding)
        let proven = rollout.tickJudged([.advance(proven: true, Sample.proof)], outage: nil, at: Sample.at(303))
        #expect(Sample.decisions(proven) == [.advance])
    }

    @Test("a step that a hold keeps past its deadline is given to a person all the same")
    func deadlineWhileHolding() throws {
        var rollout = try Sample.exposed()
        _ = rollout.tickJudged([.hold(Sample.nothing)], outage: nil, at: Sample.at(10))
        let actions = rollout.tickJudged([.hold(Sample.nothing)], outage: nil, at: Sample.at(301))
        #expect(Sample.decisions(actions) == [.halt])
        #expect(rollout.wait?.sentence.contains("a person decides") == true)
    }

    @Test("resuming after the deadline gives the step a new one")
    func resumeRenewsDeadline() throws {
        var rollout = try Sample.exposed()
        _ = rollout.tickJudged([.undecided(Sample.soaking)], outage: nil, at: Sample.at(301))
        _ = try rollout.commanded(.resume, by: "ana", reason: "more time", at: Sample.at(400))
        #expect(rollout.currentStep?.deadlineAt == Sample.at(700))
        #expect(rollout.currentStep?.ticks == 1)
    }

    @Test("data that comes back starts the no-data limit anew")
    func noDataPasses() throws {
        var rollout = try Sample.exposed { $0.deadlineSeconds = 100_000 }
        _ = rollout.tickJudged([.noData(Sample.nothing)], outage: nil, at: Sample.at(10))
        _ = rollout.tickJudged([.undecided(Sample.soaking)], outage: nil, at: Sample.at(800))
        let again = rollout.tickJudged([.noData(Sample.nothing)], outage: nil, at: Sample.at(911))
        #expect(Sample.decisions(again) == [.hold])
        let halted = rollout.tickJudged([.noData(Sample.nothing)], outage: nil, at: Sample.at(911 + 900))
        #expect(Sample.decisions(halted) == [.halt])
    }

    // MARK: - The watch

    @Test("a watch that was halted goes on when a person resumes it, and still ends")
    func watchResumed() throws {
        var rollout = try Sample.inState(.watching)
        _ = rollout.tickJudged([.halt(Sample.harm)], outage: nil, at: Sample.at(20))
        #expect(rollout.state == .halted)
        _ = try rollout.commanded(.resume, by: "ana", reason: "one bad disk", at: Sample.at(30))
        #expect(rollout.state == .watching)
        #expect(rollout.clockMoved(to: Sample.at(10 + 86_400), unreachable: []) == [.commandRest, .makeFallback])
    }

    @Test("a promoted rollout draws no further step, whatever is ordered")
    func promotedDrawsNothing() throws {
        var rollout = try Sample.inState(.watching)
        _ = rollout.tickJudged([.halt(Sample.harm)], outage: nil, at: Sample.at(20))
        let actions = try rollout.commanded(.advance, by: "ana", reason: "go on", at: Sample.at(30))
        #expect(actions.last == .commandRest)
        #expect(rollout.state == .watching)
    }

    // MARK: - First installations

    private func installing() throws -> Rollout {
        var rollout = try Sample.pending(from: false)
        _ = rollout.started(at: Sample.at(0))
        _ = rollout.restCommanded([try Sample.device(1)], at: Sample.at(0))
        return rollout
    }

    @Test(
        "a first installation cannot be advanced, promoted or rolled back",
        arguments: [RolloutCommand.advance, .promote, .rollback])
    func firstInstallationRefuses(command: RolloutCommand) throws {
        var rollout = try installing()
        let before = rollout
        #expect(throws: CommandRefusal.firstInstallation(command)) {
            try rollout.commanded(command, by: "ana", reason: "why", at: Sample.at(5))
        }
        #expect(rollout == before)
    }

    @Test("a halted first installation is handed out again when it is resumed, and completes")
    func firstInstallationResumes() throws {
        var rollout = try installing()
        _ = try rollout.commanded(.halt, by: "ana", reason: "wait", at: Sample.at(5))
        _ = rollout.deviceExposed(try Sample.device(1), at: Sample.at(6))
        #expect(rollout.state == .halted)
        let resumed = try rollout.commanded(.resume, by: "ana", reason: "go", at: Sample.at(7))
        #expect(resumed.last == .commandRest)
        #expect(rollout.wait?.reason == "first_installation")
        _ = rollout.restCommanded([], at: Sample.at(7))
        #expect(rollout.state == .completed)
    }

    @Test("a first installation does not wait for devices that nobody can reach, once somebody runs it")
    func firstInstallationUnreachable() throws {
        var rollout = try installing()
        let unreachable: Set = [try Sample.device(1)]
        _ = rollout.clockMoved(to: Sample.at(9), unreachable: unreachable)
        #expect(rollout.state == .progressing, "what nobody ran is not settled")
        _ = rollout.restCommanded([try Sample.device(2)], at: Sample.at(10))
        _ = rollout.deviceExposed(try Sample.device(2), at: Sample.at(11))
        _ = rollout.clockMoved(to: Sample.at(12), unreachable: unreachable)
        #expect(rollout.state == .completed)
    }
}

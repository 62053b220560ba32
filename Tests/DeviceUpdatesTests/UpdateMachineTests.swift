import Fleet
import Testing

@testable import DeviceUpdates

@Suite struct UpdateMachineTests {
    /// Sends events and returns what the machine asked for, in words.
    private func story(_ machine: inout UpdateMachine, _ events: [UpdateEvent]) -> [String] {
        events.map { machine.handle($0).word }
    }

    @Test("an install takes all seven steps in their order")
    func install() {
        var machine = UpdateMachine()
        let assignment = Assignment(number: 2, run: v2, fallback: v1, probationSeconds: 30)
        let actions = story(
            &machine,
            [
                .assignmentReceived(assignment, settled), .stepDone, .stepDone, .stepDone, .backedUp(v1), .stepDone,
                .stepDone, .stepDone, .reported,
            ])
        #expect(
            actions == ["check", "download", "verify", "backUp", "deploy", "smokeTest", "observe", "report", "none"])
        #expect(machine.state == .idle)
        #expect(machine.accepted == 2)
    }

    @Test("a return to the local backup needs no download and no probation")
    func restore() {
        var machine = UpdateMachine()
        let local = LocalVersions(current: v2, lastKnownGood: v1, sealed: [v1, v2])
        let assignment = Assignment(number: 2, run: v1, fallback: v1, probationSeconds: 30)
        let actions = story(
            &machine, [.assignmentReceived(assignment, local), .stepDone, .backedUp(v1), .stepDone, .stepDone])
        #expect(actions == ["check", "backUp", "deploy", "smokeTest", "report"])
        guard case .ending(_, .restored) = machine.state else {
            Issue.record("ended as \(machine.state)")
            return
        }
    }

    @Test("an assignment of what serves already disturbs nothing")
    func keep() {
        var machine = UpdateMachine()
        let assignment = Assignment(number: 2, run: v1, fallback: v1, probationSeconds: 30)
        let actions = story(
            &machine, [.assignmentReceived(assignment, settled), .stepDone, .stepDone, .stepDone, .backedUp(v1)])
        #expect(actions == ["check", "download", "verify", "backUp", "report"])
    }

    @Test("a version that is installed once more takes all seven steps, and a failure leaves it where it is")
    func reinstalled() {
        var machine = UpdateMachine()
        let assignment = Assignment(number: 2, run: v1, fallback: v1, probationSeconds: 30, reinstall: true)
        let begun: [UpdateEvent] = [
            .assignmentReceived(assignment, settled), .stepDone, .stepDone, .stepDone, .backedUp(v1),
        ]
        var failing = machine
        let actions = story(&machine, begun + [.stepDone, .stepDone, .stepDone, .reported])
        #expect(
            actions == ["check", "download", "verify", "backUp", "deploy", "smokeTest", "observe", "report", "none"])
        #expect(machine.state == .idle)
        _ = story(&failing, begun)
        guard case .restore(_, let target) = failing.handle(.stepFailed(.runtimeUnhealthy)) else {
            Issue.record("went on as \(failing.state)")
            return
        }
        #expect(target == v1)
    }

    @Test("an assignment that is not newer changes nothing", arguments: [0, 1, 2] as [UInt64])
    func replay(number: UInt64) {
        var machine = UpdateMachine(state: .idle, accepted: 2)
        let before = machine
        let assignment = Assignment(number: number, run: v2, fallback: v1, probationSeconds: 30)
        let action = machine.handle(.assignmentReceived(assignment, settled))
        #expect(action == .none)
        #expect(machine == before)
    }

    @Test("a failure before the swap ends the attempt, one after it goes back first", arguments: everyState)
    func failures(state: UpdateState) {
        var machine = UpdateMachine(state: state, accepted: 2)
        let word = machine.handle(.stepFailed(.smokeFailed)).word
        switch state {
        case .idle, .safe, .ending: #expect(word == "none" && machine.state == state)
        case .checking, .downloading, .verifying, .backingUp: #expect(word == "report")
        case .deploying, .smokeTesting, .onProbation, .rollingBack: #expect(word == "restore")
        }
    }

    @Test("what refuses the assignment is rejected, what keeps it from being carried out has failed")
    func rejection() {
        for reason in FailureReason.allCases {
            var machine = UpdateMachine(state: .checking(DeviceUpdatesTests.install), accepted: 2)
            guard case .report(_, let ending) = machine.handle(.stepFailed(reason)) else {
                Issue.record("\(reason) did not end the check")
                continue
            }
            #expect(
                ending
                    == (reason.refusesAssignment ? .rejected(reason) : .failed(Failure(step: .check, reason: reason))))
        }
    }

    @Test("a return that fails twice strands the device until the next assignment")
    func stranded() {
        var machine = UpdateMachine(state: .smokeTesting(DeviceUpdatesTests.install), accepted: 2)
        let actions = story(
            &machine,
            [
                .stepFailed(.smokeFailed), .stepFailed(.rollbackFailed), .stepFailed(.rollbackFailed), .reported,
                .agentStarted(settled), .stepDone,
            ])
        #expect(actions == ["restore", "restore", "report", "none", "none", "none"])
        #expect(machine.state == .safe)
        let next = Assignment(number: 3, run: v3, fallback: v1, probationSeconds: 30)
        let word = machine.handle(.assignmentReceived(next, settled)).word
        #expect(word == "check")
    }

    @Test(
        "a newer assignment ends what does not serve yet or is being tried, and waits elsewhere", arguments: everyState)
    func superseded(state: UpdateState) {
        var machine = UpdateMachine(state: state, accepted: 2)
        let newer = Assignment(number: 3, run: v3, fallback: v1, probationSeconds: 30)
        let action = machine.handle(.assignmentReceived(newer, settled))
        switch state {
        case .idle, .safe:
            #expect(action.word == "check")
            #expect(machine.accepted == 3)
        case .checking, .downloading, .verifying, .backingUp, .smokeTesting, .onProbation:
            guard case .report(let attempt, .failed(let failure)) = action else {
                Issue.record("asked for \(action.word)")
                return
            }
            #expect(attempt.assignment == 2)
            #expect(failure == Failure(step: state.step ?? .report, reason: .superseded))
            #expect(machine.accepted == 2, "the newer one is offered again after the report")
        case .deploying, .rollingBack, .ending:
            #expect(action == .deferAssignment)
            #expect(machine.state == state)
        }
    }

    @Test("a start of the agent goes on where the journal left it", arguments: everyState)
    func recovery(state: UpdateState) {
        var machine = UpdateMachine(state: state, accepted: 2)
        let action = machine.handle(.agentStarted(settled))
        switch state {
        case .idle, .safe: #expect(action == .none)
        case .checking, .downloading, .verifying, .backingUp: #expect(action.word == "check")
        case .deploying: #expect(action.word == "backUp", "current is still the old version")
        case .smokeTesting: #expect(action.word == "smokeTest")
        case .onProbation: #expect(action.word == "observe")
        case .rollingBack: #expect(action.word == "restore")
        case .ending: #expect(action.word == "report")
        }
    }

    @Test("a start after the swap goes on with the smoke test")
    func recoveryAfterSwap() {
        var machine = UpdateMachine(state: .deploying(DeviceUpdatesTests.install), accepted: 2)
        let local = LocalVersions(current: v2, lastKnownGood: v1, sealed: [v1, v2])
        let word = machine.handle(.agentStarted(local)).word
        #expect(word == "smokeTest")
    }

    @Test("a version that keeps the agent from staying up is given up after three starts")
    func bootLoop() {
        var machine = UpdateMachine(state: .smokeTesting(DeviceUpdatesTests.install), accepted: 2)
        let words = story(&machine, Array(repeating: .agentStarted(settled), count: 4))
        #expect(words == ["smokeTest", "smokeTest", "smokeTest", "restore"])
        guard case .rollingBack(_, let failure, _) = machine.state else { return }
        #expect(failure.reason == .interrupted)
    }

    @Test("an unstable, damaged or uncontrolled version is left for the backup, once there is one")
    func leaving() {
        let unproven = LocalVersions(current: v2, lastKnownGood: v1, sealed: [v1, v2])
        let events: [(LocalVersions) -> UpdateEvent] = [
            { .runtimeUnstable($0) }, { .contactLost($0) }, { .versionDamaged($0) }, { .returnOrdered($0) },
        ]
        for event in events {
            var machine = UpdateMachine(state: .idle, accepted: 2)
            guard case .restore(_, let target) = machine.handle(event(unproven)) else {
                Issue.record("it stayed")
                continue
            }
            #expect(target == v1)
            guard case .report(_, .fellBack) = machine.handle(.stepDone) else {
                Issue.record("it was not reported as fallen back")
                continue
            }
            var proven = UpdateMachine(state: .idle, accepted: 2)
            let stayed = proven.handle(event(settled))
            #expect(stayed == .none)
        }
    }

    @Test("no attempt takes more than its transitions, whatever happens")
    func loopBreaker() {
        for state in everyState where state.attempt != nil {
            var machine = UpdateMachine(state: state, accepted: 2)
            for _ in 0..<200 {
                let unproven = LocalVersions(current: v2, lastKnownGood: v1, sealed: [v1, v2])
                _ = machine.handle(.agentStarted(unproven))
                _ = machine.handle(.stepFailed(.rollbackFailed))
            }
            guard let attempt = machine.state.attempt else { continue }
            guard case .ending = machine.state else {
                Issue.record("still in \(machine.state.step?.rawValue ?? "")")
                continue
            }
            #expect(attempt.assignment == 2)
        }
    }

    @Test("every event in every state leads to a state whose work was asked for")
    func everyPair() {
        for state in everyState {
            for event in everyEvent {
                var machine = UpdateMachine(state: state, accepted: 2)
                let action = machine.handle(event)
                if machine.state == state {
                    #expect(action == .none || action == .deferAssignment)
                } else {
                    #expect(action.word == machine.state.expectedWord, "\(state) on \(event)")
                }
                #expect(machine.accepted >= 2)
            }
        }
    }
}

extension UpdateAction {
    /// The action's name without its payload.
    var word: String {
        switch self {
        case .none: "none"
        case .deferAssignment: "defer"
        case .check: "check"
        case .download: "download"
        case .verify: "verify"
        case .backUp: "backUp"
        case .deploy: "deploy"
        case .smokeTest: "smokeTest"
        case .observe: "observe"
        case .restore: "restore"
        case .report: "report"
        }
    }
}

extension UpdateState {
    /// The action that goes with the state.
    var expectedWord: String {
        switch self {
        case .idle, .safe: "none"
        case .checking: "check"
        case .downloading: "download"
        case .verifying: "verify"
        case .backingUp: "backUp"
        case .deploying: "deploy"
        case .smokeTesting: "smokeTest"
        case .onProbation: "observe"
        case .rollingBack: "restore"
        case .ending: "report"
        }
    }
}

import Fleet
import Rollouts
import Testing

/// Everything that can happen to a rollout.
private enum Event: String, CaseIterable, CustomTestStringConvertible {
    case started, nextStepDrawn, anotherStepDrawn, nextStepFoundNobody, restCommanded, watchDrawn, watchNotDrawn
    case deviceExposed, deviceFailed, deviceRestored, bothRestored, bothRetired, bothSetAside
    case harmFound, haltFound, proofFound, holdFound, undecidedFound, noDataFound, outageFound
    case timePassed, watchTimePassed, devicesUnreachable
    case advanceOrdered, promoteOrdered, haltOrdered, resumeOrdered, rollbackOrdered, retryOrdered
    case versionSuperseded, controllerRestored

    var testDescription: String { rawValue }

    /// What the event makes of the states that it changes; in every other state the rollout stays as it is.
    var transitions: [RolloutState: RolloutState] {
        switch self {
        case .started: [.pending: .progressing]
        case .nextStepDrawn, .anotherStepDrawn, .nextStepFoundNobody, .restCommanded, .watchDrawn, .watchNotDrawn,
            .deviceExposed, .deviceFailed, .deviceRestored, .bothSetAside, .timePassed, .retryOrdered:
            [:]
        case .bothRestored, .bothRetired, .devicesUnreachable: [.rollingBack: .rolledBack]
        case .harmFound, .rollbackOrdered:
            [.progressing: .rollingBack, .holding: .rollingBack, .halted: .rollingBack, .watching: .rollingBack]
        case .haltFound: [.progressing: .halted, .holding: .halted, .watching: .halted]
        case .proofFound, .undecidedFound: [.holding: .progressing]
        case .holdFound, .noDataFound, .outageFound: [.progressing: .holding]
        case .watchTimePassed: [.watching: .completed]
        case .advanceOrdered, .resumeOrdered: [.holding: .progressing, .halted: .progressing]
        case .promoteOrdered: [.progressing: .watching, .holding: .watching, .halted: .watching]
        case .haltOrdered: [.pending: .halted, .progressing: .halted, .holding: .halted]
        case .controllerRestored:
            [.pending: .halted, .progressing: .halted, .holding: .halted, .watching: .halted]
        case .versionSuperseded:
            [
                .pending: .superseded, .progressing: .superseded, .holding: .superseded, .halted: .superseded,
                .watching: .superseded,
            ]
        }
    }

    /// The command, where the event is one.
    var command: RolloutCommand? {
        switch self {
        case .advanceOrdered: .advance
        case .promoteOrdered: .promote
        case .haltOrdered: .halt
        case .resumeOrdered: .resume
        case .rollbackOrdered: .rollback
        case .retryOrdered: .retry
        default: nil
        }
    }

    /// Whether the machine takes the command in a state, changed state or not.
    func isTaken(in state: RolloutState) -> Bool {
        transitions[state] != nil || (self == .advanceOrdered && state == .progressing)
    }

    /// What the judge says of each drawn step, where the event is a judged tick.
    private var finding: StepFinding? {
        switch self {
        case .harmFound: .rollback(SampleRollout.harm)
        case .haltFound: .halt(SampleRollout.harm)
        case .proofFound: .advance(proven: true, SampleRollout.proof)
        case .holdFound: .hold(SampleRollout.soaking)
        case .undecidedFound, .outageFound: .undecided(SampleRollout.soaking)
        case .noDataFound: .noData(SampleRollout.nothing)
        default: nil
        }
    }

    func happen(to rollout: inout Rollout) throws -> [RolloutAction] {
        let one = try SampleRollout.device(1)
        let two = try SampleRollout.device(2)
        let now = SampleRollout.at(30)
        if let command { return try rollout.commanded(command, by: "ana", reason: "why", at: now) }
        if let finding {
            let findings = rollout.steps.map { _ in finding }
            return rollout.tickJudged(findings, outage: self == .outageFound ? SampleRollout.away : nil, at: now)
        }
        let next = rollout.steps.count + 1
        switch self {
        case .started: return rollout.started(at: now)
        case .nextStepDrawn: return rollout.stepDrawn(next, cohort: [], eligible: 6, at: now)
        case .anotherStepDrawn: return rollout.stepDrawn(next + 1, cohort: [one], eligible: 6, at: now)
        case .nextStepFoundNobody: return rollout.stepFoundNobody(next, left: 1, at: now)
        case .restCommanded: return rollout.restCommanded([], at: now)
        case .watchDrawn:
            return rollout.watchDrawn(cohort: [try SampleRollout.device(3)], heldBack: [], at: now)
        case .watchNotDrawn: return rollout.watchNotDrawn(left: 1, at: now)
        case .deviceExposed: return rollout.deviceExposed(one, at: now)
        case .deviceFailed: return rollout.deviceFailed(one, reason: "smoke_failed", at: now)
        case .deviceRestored: return rollout.deviceRestored(one, at: now)
        case .bothRestored: return rollout.deviceRestored(one, at: now) + rollout.deviceRestored(two, at: now)
        case .bothRetired: return rollout.deviceRetired(one, at: now) + rollout.deviceRetired(two, at: now)
        case .bothSetAside: return rollout.deviceSetAside(one, at: now) + rollout.deviceSetAside(two, at: now)
        case .timePassed: return rollout.clockMoved(to: now, unreachable: [])
        case .watchTimePassed: return rollout.clockMoved(to: SampleRollout.at(100_000), unreachable: [])
        case .devicesUnreachable: return rollout.clockMoved(to: now, unreachable: [one, two])
        case .versionSuperseded: return rollout.superseded(by: try SampleRollout.version("v3", 3), at: now)
        case .controllerRestored: return rollout.controllerRestored(from: SampleRollout.at(9), at: now)
        default: return []
        }
    }
}

/// Every event in every state.
@Suite struct RolloutTransitionTests {
    @Test("every event has its effect in every state", arguments: RolloutState.allCases, Event.allCases)
    private func pair(state: RolloutState, event: Event) throws {
        var rollout = try SampleRollout.inState(state)
        if let command = event.command, !event.isTaken(in: state) {
            let before = rollout
            let refusal = #expect(throws: CommandRefusal.self) { try event.happen(to: &rollout) }
            #expect(rollout == before)
            #expect(refusal?.description.contains(command.rawValue) == true)
            return
        }
        _ = try event.happen(to: &rollout)
        #expect(rollout.state == event.transitions[state] ?? state)
        #expect(rollout.state.isFinal == (rollout.endedAt != nil))
    }

    @Test(
        "a rollout that is over takes nothing back, grants nothing and decides nothing",
        arguments: RolloutState.allCases.filter(\.isFinal),
        Event.allCases.filter { $0.command == nil && ![.deviceFailed, .restCommanded].contains($0) })
    private func over(state: RolloutState, event: Event) throws {
        var rollout = try SampleRollout.inState(state)
        #expect(try event.happen(to: &rollout).isEmpty)
    }

    @Test("a refused command says what would be needed", arguments: RolloutCommand.allCases)
    func remedies(command: RolloutCommand) throws {
        var rollout = try SampleRollout.inState(.rollingBack)
        let refusal = #expect(throws: CommandRefusal.self) {
            try rollout.commanded(command, by: "ana", reason: "why", at: SampleRollout.at(30))
        }
        #expect(refusal?.description.contains("while the rollout is rolling_back: it needs a rollout that") == true)
    }
}

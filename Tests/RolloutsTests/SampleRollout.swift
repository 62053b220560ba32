import Fleet
import Rollouts
import Testing

/// A rollout of two steps over eight devices, brought into each of its states.
enum SampleRollout {
    static func at(_ seconds: Double) -> Timestamp { Timestamp(milliseconds: Int64(seconds * 1000)) }

    static func device(_ number: Int) throws -> DeviceID { try DeviceID("d\(number)") }

    static func version(_ name: String, _ byte: UInt8) throws -> VersionReference {
        VersionReference(
            name: try VersionName(name), digest: try #require(Digest(bytes: Array(repeating: byte, count: 32))))
    }

    /// A rollout that is pending; without `from` it is a first installation.
    static func pending(
        from: Bool = true, budget: RolloutBudget? = nil, change: (inout Policy) -> Void = { _ in }
    ) throws -> Rollout {
        var policy = Policy(
            name: try PolicyName("p"), steps: [.devices(2), .percent(100)], soakSeconds: 20, deadlineSeconds: 300)
        change(&policy)
        let deployment = Deployment(
            name: try DeploymentName("digits"), selector: .everything, model: try ModelName("digits"),
            version: try VersionName("v2"))
        return Rollout(
            id: try RolloutID("digits-2"), deployment: deployment, from: from ? try version("v1", 1) : nil,
            to: try version("v2", 2), policy: policy, budget: budget, salt: 7, at: at(0))
    }

    /// A rollout whose first step, devices 1 and 2, is exposed.
    static func exposed(change: (inout Policy) -> Void = { _ in }) throws -> Rollout {
        var rollout = try pending(change: change)
        _ = rollout.started(at: at(0))
        _ = rollout.stepDrawn(1, cohort: [try device(1), try device(2)], eligible: 8, at: at(1))
        _ = rollout.deviceExposed(try device(1), at: at(2))
        _ = rollout.deviceExposed(try device(2), at: at(3))
        return rollout
    }

    /// A rollout in this state at second 10.
    static func inState(_ state: RolloutState) throws -> Rollout {
        var rollout = state == .pending ? try pending() : try exposed()
        switch state {
        case .pending, .progressing: break
        case .holding: _ = rollout.tickJudged([.hold(soaking)], outage: nil, at: at(10))
        case .halted: _ = try rollout.commanded(.halt, by: "ana", reason: "look", at: at(10))
        case .rollingBack, .rolledBack: _ = rollout.tickJudged([.rollback(harm)], outage: nil, at: at(10))
        case .watching, .completed: _ = try rollout.commanded(.promote, by: "ana", reason: "hotfix", at: at(10))
        case .superseded: _ = rollout.superseded(by: try version("v3", 3), at: at(10))
        }
        if state == .rolledBack { for number in 1...2 { _ = rollout.deviceRestored(try device(number), at: at(10)) } }
        if state == .completed { _ = rollout.clockMoved(to: at(90_000), unreachable: []) }
        try #require(rollout.state == state)
        return rollout
    }

    static var harm: Grounds {
        var grounds = Grounds(cause: .judge, reason: "harm_proven", sentence: "failures rose")
        grounds.metric = "failures"
        grounds.test = "weighted since start"
        grounds.evidence = 12
        grounds.bound = 9
        grounds.effect = 3
        return grounds
    }

    static let proof = Grounds(cause: .judge, reason: "proven", sentence: "within tolerance")
    static let soaking = Grounds(cause: .judge, reason: "soak", sentence: "the soak goes on")
    static let away = Grounds(cause: .outage, reason: "mass_silence", sentence: "a site is away")
    static let nothing = Grounds(cause: .judge, reason: "no_data", sentence: "no data")

    /// The kinds of the decisions among actions.
    static func decisions(_ actions: [RolloutAction]) -> [DecisionKind] {
        actions.compactMap { if case .record(let decision) = $0 { decision.kind } else { nil } }
    }
}

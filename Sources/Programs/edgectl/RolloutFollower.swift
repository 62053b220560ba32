import EdgeOrchestrator
import Fleet
import Glibc
import WireFormat

/// Reads a rollout again whenever it changes, over a controller that may be away for a while.
struct RolloutFollower {
    /// How long the controller may be away before following gives up, seconds.
    static let patienceSeconds = 60.0
    /// How long one long poll waits, seconds.
    static let waitSeconds = 50.0

    let controller: Orchestrator
    let rollout: RolloutID
    /// When to stop, seconds on ``Console/seconds``; nil for never.
    var deadline: Double?

    /// Calls `changed` with the rollout as it is and after each change, until it answers false or the deadline passes.
    ///
    /// - Returns: false when the deadline ended it.
    func follow(_ changed: (RolloutResource) throws -> Bool) throws -> Bool {
        var current = try controller.rollout(rollout)
        while try changed(current.rollout) {
            guard let next = try next(after: current) else { return false }
            current = next
        }
        return true
    }

    private func next(after known: RevisedRollout) throws -> RevisedRollout? {
        var awaySince: Double?
        while true {
            let now = Console.seconds
            let left = deadline.map { $0 - now } ?? Self.waitSeconds
            guard left > 0 else { return nil }
            do throws(OrchestratorError) {
                if let next = try poll(known, seconds: min(left, Self.waitSeconds)) { return next }
                awaySince = nil
            } catch {
                guard error.isTransient else { throw error }
                let since = awaySince ?? now
                if awaySince == nil {
                    Console.note("\(error.description); trying again for \(Int(Self.patienceSeconds)) s")
                }
                awaySince = since
                guard now - since < Self.patienceSeconds else { throw error }
                sleep(1)
            }
        }
    }

    private func poll(_ known: RevisedRollout, seconds: Double) throws(OrchestratorError) -> RevisedRollout? {
        if let revision = known.revision {
            return try controller.rollout(rollout, otherThan: revision, waitSeconds: Int(seconds.rounded(.up)))
        }
        // A proxy that drops entity tags leaves asking again and again.
        sleep(1)
        return try controller.rollout(rollout)
    }
}

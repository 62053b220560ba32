import DeviceUpdates
import WireFormat

/// Asks for assignments and waits at the controller until there is a newer one.
final class AssignmentLoop {
    /// How long the controller may hold the request, seconds.
    static let waitSeconds = 50

    private let services: AgentServices
    private let status: AgentStatus
    private let intake: AssignmentIntake
    private var known: UInt64?
    private var backoff = Backoff(firstSeconds: 1, limitSeconds: 30)
    private var news = FailureNews()

    init(_ agent: Agent) {
        services = agent.services
        status = agent.status
        intake = agent.intake
    }

    /// Works until the agent stops.
    func run() {
        while !status.isStopping { turn() }
    }

    /// Asks once; waits after a failure.
    func turn() {
        do {
            try ask()
            backoff.succeeded()
            news.succeeded()
        } catch {
            if status.isStopping { return }
            if news.isNews(error) { services.log.warning("assignments_unavailable", ["error": "\(error)"]) }
            status.assignmentBell.wait(seconds: max(0.1, backoff.failed(chance: services.chance.next())))
        }
    }

    private func ask() throws {
        // The first request of a start is answered at once, so that an order that waits is known before serving.
        let set = try services.controller.assignments(known: known, waitSeconds: known == nil ? 0 : Self.waitSeconds)
        let now = services.clock.now
        status.change { facts in
            facts.lastContact = now
            facts.hasSeenAssignments = true
        }
        guard let set else {
            if known == nil { known = 0 }
            return
        }
        known = set.number
        _ = intake.take(set, accepted: status.snapshot.accepted)
        status.updateBell.ring()
    }
}

import DeviceUpdates
import WireFormat

/// Sends what waits in the outbox until the controller has it.
final class ReportLoop {
    private let services: AgentServices
    private let status: AgentStatus
    private let outbox: Outbox
    private var backoff = Backoff(firstSeconds: 1, limitSeconds: 60)
    private var news = FailureNews()

    init(_ agent: Agent) {
        services = agent.services
        status = agent.status
        outbox = agent.outbox
    }

    /// Works until the agent stops.
    func run() {
        while !status.isStopping { turn() }
    }

    /// Sends all there is and waits for more; waits after a failure, too.
    func turn() {
        do {
            while !outbox.isEmpty, !status.isStopping { try send() }
            backoff.succeeded()
            news.succeeded()
            status.reportBell.wait(seconds: 60)
        } catch {
            if news.isNews(error) { services.log.warning("reports_not_sent", ["error": "\(error)"]) }
            status.reportBell.wait(seconds: max(0.2, backoff.failed(chance: services.chance.next())))
        }
    }

    /// One batch; what the receipt acknowledges leaves the outbox.
    func send() throws {
        let batch = try outbox.batch()
        guard let first = batch.reports.first else { return }
        let receipt = try services.controller.report(batch)
        guard receipt.acknowledged >= first.sequence else {
            throw ControllerFault.unavailable(
                "it acknowledged reports up to \(receipt.acknowledged) where \(first.sequence) was sent")
        }
        try outbox.acknowledge(through: receipt.acknowledged, killSwitch: services.killSwitch)
    }
}

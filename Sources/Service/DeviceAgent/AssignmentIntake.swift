import DeviceUpdates
import Fleet
import ModelTrust
import Synchronization
import WireFormat

/// Where verified assignments wait for the update loop; only the newest counts.
final class AssignmentIntake: Sendable {
    /// An assignment and the text it was read from.
    struct Entry: Sendable {
        var assignment: Assignment
        var text: String
    }

    private let newest = Mutex<Entry?>(nil)
    private let refused = Mutex<Set<UInt64>>([])
    private let settings: AgentSettings
    private let services: AgentServices
    private let outbox: Outbox
    private let status: AgentStatus

    init(settings: AgentSettings, services: AgentServices, outbox: Outbox, status: AgentStatus) {
        self.settings = settings
        self.services = services
        self.outbox = outbox
        self.status = status
    }

    /// The newest assignment with a larger number; nil for none.
    func newer(than accepted: UInt64) -> Entry? {
        newest.withLock { entry in entry.flatMap { $0.assignment.number > accepted ? $0 : nil } }
    }

    /// Takes in what the controller sent: the slot's assignment is kept, one that is not genuine is refused and
    /// reported.
    ///
    /// - Returns: true when something new waits for the update loop.
    func take(_ set: AssignmentSet, accepted: UInt64) -> Bool {
        var hasNews = false
        for text in set.assignments {
            do {
                let claims = try services.verifier.claims(in: text)
                guard claims.model == settings.model else { continue }
                guard claims.number > accepted else { continue }
                guard let run = claims.run else {
                    services.log.info("assignment_empty", ["number": "\(claims.number)"])
                    continue
                }
                let assignment = Assignment(
                    number: claims.number, run: run.digest, fallback: claims.fallback?.digest,
                    probationSeconds: settings.probationSeconds, reinstall: claims.reinstall)
                newest.withLock { entry in
                    guard entry.map({ $0.assignment.number < assignment.number }) ?? true else { return }
                    entry = Entry(assignment: assignment, text: text)
                    hasNews = true
                }
            } catch {
                refuse(set.number, error)
            }
        }
        return hasNews
    }

    /// Reports a refused assignment, once for each number in an agent's life.
    private func refuse(_ number: UInt64, _ refusal: AssignmentRefusal) {
        let isNew = refused.withLock { $0.count < 1000 && $0.insert(number).inserted }
        guard isNew else { return }
        services.log.error("assignment_refused", ["number": "\(number)", "code": refusal.code, "why": "\(refusal)"])
        let report = AttemptReport(
            assignment: number, model: settings.model, sequence: outbox.reserve(), digest: nil,
            step: UpdateStep.check.rawValue, outcome: .rejected, reason: FailureReason.assignmentInvalid.rawValue,
            detail: "\(refusal)", at: services.clock.now.milliseconds)
        do {
            try outbox.put(report)
            status.reportBell.ring()
        } catch {
            services.log.error("report_not_stored", ["error": "\(error)"])
        }
    }
}

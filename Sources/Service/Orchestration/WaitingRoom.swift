import Fleet
import Synchronization

/// Requests that are held open until something happens or their time is up; each is called back once.
final class WaitingRoom<Subject: Hashable & Sendable>: Sendable {
    private struct Wait: Sendable {
        let subject: Subject
        let deadline: Timestamp
        let isOver: @Sendable () -> Bool
        let then: @Sendable () -> Void
    }

    private struct Waits: Sendable {
        var next: UInt64 = 1
        var byToken: [UInt64: Wait] = [:]
        var bySubject: [Subject: Set<UInt64>] = [:]

        mutating func remove(_ token: UInt64) -> Wait? {
            guard let wait = byToken.removeValue(forKey: token) else { return nil }
            bySubject[wait.subject]?.remove(token)
            if bySubject[wait.subject]?.isEmpty == true { bySubject[wait.subject] = nil }
            return wait
        }
    }

    private let waits = Mutex(Waits())

    /// Calls `then` as soon as the subject is woken while `isOver` holds, or at the deadline.
    ///
    /// `isOver` is asked once more after the wait was noted, so that nothing that happened in between is missed.
    func wait(
        for subject: Subject, until deadline: Timestamp, isOver: @escaping @Sendable () -> Bool,
        then: @escaping @Sendable () -> Void
    ) -> UInt64 {
        let token = waits.withLock { waits in
            let token = waits.next
            waits.next += 1
            waits.byToken[token] = Wait(subject: subject, deadline: deadline, isOver: isOver, then: then)
            waits.bySubject[subject, default: []].insert(token)
            return token
        }
        wake([subject])
        return token
    }

    /// Forgets a wait.
    func cancel(_ token: UInt64) {
        waits.withLock { _ = $0.remove(token) }
    }

    /// Lets go of those who wait for one of the subjects and whose wait is over.
    func wake(_ subjects: some Sequence<Subject>) {
        let candidates = waits.withLock { waits in
            subjects.flatMap { subject in
                (waits.bySubject[subject] ?? []).compactMap { token in waits.byToken[token].map { (token, $0) } }
            }
        }
        for (token, wait) in candidates where wait.isOver() { finish(token) }
    }

    /// Lets go of those whose time is up; of all when `everyone`.
    func expire(at now: Timestamp, everyone: Bool = false) {
        let due = waits.withLock { waits in
            waits.byToken.filter { everyone || $0.value.deadline <= now }.keys.sorted()
        }
        for token in due { finish(token) }
    }

    /// How many wait.
    var count: Int { waits.withLock { $0.byToken.count } }

    private func finish(_ token: UInt64) {
        waits.withLock { $0.remove(token) }?.then()
    }
}

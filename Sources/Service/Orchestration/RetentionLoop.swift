import Fleet
import Foundation
import Synchronization
import WireFormat

/// The thread that removes what is kept no longer: a little at a time, with pauses, so that nothing waits for it.
public final class RetentionLoop: Sendable {
    /// The pause between two removals, in seconds.
    private static let pauseSeconds = 0.2
    /// The first look is so long after the start, in seconds.
    private static let firstSeconds = 2.0

    private let controller: FleetController
    private let stopping = Atomic<Bool>(false)
    private let stopped = DispatchSemaphore(value: 0)

    /// Makes a loop; ``start()`` runs it.
    public init(_ controller: FleetController) {
        self.controller = controller
    }

    /// Starts the thread.
    public func start() {
        let thread = Thread { [self] in
            run()
            stopped.signal()
        }
        thread.name = "retention"
        thread.start()
    }

    /// Ends the thread after the removal it is in; waits at most 1 second.
    ///
    /// - Returns: whether it ended in time.
    public func stop() -> Bool {
        stopping.store(true, ordering: .relaxed)
        return stopped.wait(timeout: .now() + 1) == .success
    }

    private func run() {
        var wait = Self.firstSeconds
        while !stopping.load(ordering: .relaxed) {
            Thread.sleep(forTimeInterval: Self.pauseSeconds)
            wait -= Self.pauseSeconds
            guard wait <= 0 else { continue }
            for kind in RetentionKind.allCases { remove(kind) }
            controller.retentionLooked()
            wait = controller.retentionLookSeconds
        }
    }

    private func remove(_ kind: RetentionKind) {
        do {
            while !stopping.load(ordering: .relaxed), try controller.removeExpired(kind) {
                Thread.sleep(forTimeInterval: Self.pauseSeconds)
            }
        } catch {
            controller.retentionFailed(kind, error)
        }
    }
}

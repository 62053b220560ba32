import Fleet
import Foundation
import Synchronization

/// The controller's own thread: ends ticks on time and lets go of waits whose time is up.
public final class TickLoop: Sendable {
    /// How often waits are looked at, in seconds: a long poll ends at most this late.
    private static let grainSeconds = 0.2

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
        thread.name = "tick"
        thread.start()
    }

    /// Ends the thread after the tick it is in; waits at most 3 seconds.
    ///
    /// - Returns: whether it ended in time.
    public func stop() -> Bool {
        stopping.store(true, ordering: .relaxed)
        return stopped.wait(timeout: .now() + 3) == .success
    }

    private func run() {
        var due = controller.now.adding(seconds: controller.tickSeconds)
        while !stopping.load(ordering: .relaxed) {
            Thread.sleep(forTimeInterval: Self.grainSeconds)
            controller.expireWaits()
            guard controller.now >= due else { continue }
            // A failed tick is logged where it failed and its counts are judged with the next one.
            do { try controller.tick() } catch { controller.tickFailed(error) }
            due = max(due.adding(seconds: controller.tickSeconds), controller.now)
        }
    }
}

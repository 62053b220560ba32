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
        var last = controller.now
        while !stopping.load(ordering: .relaxed) {
            Thread.sleep(forTimeInterval: Self.grainSeconds)
            controller.expireWaits()
            // Asked anew each time: a rollout that has just started ticks faster than an idle controller.
            let now = controller.now
            let interval = controller.tickSeconds
            guard now.seconds(since: last) >= interval else { continue }
            // A failed tick is logged where it failed and its counts are judged with the next one.
            do { try controller.tick() } catch { controller.tickFailed(error) }
            // Ticks keep their rhythm unless the controller fell behind by a whole one.
            last = now.seconds(since: last) < 2 * interval ? last.adding(seconds: interval) : now
        }
    }
}

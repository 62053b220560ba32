internal import Dispatch
internal import Foundation

/// The thread that looks at all connections at a steady interval and cuts off what is overdue.
final class Watchdog: Sendable {
    private let wake = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    /// Starts the thread; it ends with ``stop()``.
    init(core: ServerCore) {
        let interval = DispatchTimeInterval.milliseconds(Int(core.configuration.deadlines.watchIntervalSeconds * 1000))
        let thread = Thread { [wake, ended] in
            while wake.wait(timeout: .now() + interval) == .timedOut {
                core.enforceDeadlines(now: .now)
            }
            ended.signal()
        }
        thread.name = "http-watchdog"
        thread.start()
    }

    /// Ends the thread and waits for it: at most one round over the connections.
    func stop() {
        wake.signal()
        ended.wait()
    }
}

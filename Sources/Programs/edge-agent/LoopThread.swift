import ChildProcesses
import DeviceAgent
import Dispatch
import Synchronization

/// One of the agent's loops on a thread of its own.
final class LoopThread: Sendable {
    let name: String
    private let body: @Sendable () -> Void
    private let ended = Doorbell()

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    func start() {
        let (body, ended) = (body, ended)
        DispatchQueue(label: name).async {
            body()
            ended.ring()
        }
    }

    /// Waits for the loop's end; false when it has not ended by then.
    func join(by deadline: ContinuousClock.Instant) -> Bool {
        ended.wait(seconds: (deadline - .now) / .seconds(1))
    }
}

/// SIGTERM and SIGINT, noticed by a thread that does nothing else; it ends with the process.
final class StopSignal: Sendable {
    private let raised = Atomic(false)
    private let bell = Doorbell()

    init() {
        DispatchQueue(label: "signals").async { [self] in
            _ = TerminationSignals.wait()
            // Relaxed: the flag carries no other data.
            raised.store(true, ordering: .relaxed)
            bell.ring()
        }
    }

    var isRaised: Bool { raised.load(ordering: .relaxed) }

    func wait() {
        while !isRaised { bell.wait(seconds: 3600) }
    }
}

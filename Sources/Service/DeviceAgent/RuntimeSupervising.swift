import DeviceUpdates
import Fleet

/// What the update loop asks of whoever keeps the runtime running.
protocol RuntimeSupervising: Sendable {
    /// Orders a version, nil for none, and waits until it serves healthily; returns why it does not, nil on success.
    func serve(_ digest: Digest?) -> FailureReason?
    /// Orders a version as if it were another: what serves it already is reloaded or started once more; waits and
    /// answers as `serve` does.
    func serveAfresh(_ digest: Digest) -> FailureReason?
    /// Orders a version without waiting for it.
    func request(_ digest: Digest?)
    /// What serves, and how well.
    var condition: RuntimeCondition { get }
    /// Takes the notice that the runtime crashed too often, so that it is acted on once.
    func takeInstability() -> Bool
}

/// What a model slot's runtime is doing.
struct RuntimeCondition: Hashable, Sendable {
    /// The version that serves or is being started; nil for none.
    var serving: Digest?
    /// Whether it answers its health check.
    var isHealthy: Bool
    /// Its process; nil while there is none.
    var process: Int32?
    /// The series that counts now.
    var series: RuntimeSeries?
}

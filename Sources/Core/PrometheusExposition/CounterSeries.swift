import Synchronization

/// What a registry keeps per label set.
protocol MetricSeries: AnyObject, Sendable {
    /// The label values in the order of the family's declaration.
    var values: [String] { get }
    /// The labels as they are written between braces.
    var labelText: String { get }
    /// Starts at zero.
    init(family: MetricFamily, values: [String], labelText: String)
    /// Remembers that the series is no longer shown.
    func markRetired()
}

/// One counter with its label values: resolve it once, then add to it from any thread.
public final class CounterSeries: MetricSeries {
    let values: [String]
    let labelText: String
    // Relaxed ordering suffices: the number orders nothing else, and each addition is atomic by itself.
    private let total = Atomic<UInt64>(0)
    private let retired = Atomic<Bool>(false)
    private let lastExemplar = Mutex<Exemplar?>(nil)

    init(family: MetricFamily, values: [String], labelText: String) {
        self.values = values
        self.labelText = labelText
    }

    /// Counts events; takes no lock and allocates nothing.
    public func add(_ count: UInt64 = 1) {
        total.wrappingAdd(count, ordering: .relaxed)
    }

    /// Counts events and keeps an example of them for OpenMetrics; it replaces the one before.
    public func add(_ count: UInt64 = 1, exemplar: Exemplar) {
        add(count)
        lastExemplar.withLock { $0 = exemplar }
    }

    /// The number of events since the series was made.
    public var value: UInt64 { total.load(ordering: .relaxed) }

    /// The last example, if any was given.
    public var exemplar: Exemplar? { lastExemplar.withLock { $0 } }

    /// True once the series was retired: what is added from then on is not shown, so resolve the series anew.
    public var isRetired: Bool { retired.load(ordering: .relaxed) }

    func markRetired() {
        retired.store(true, ordering: .relaxed)
    }
}

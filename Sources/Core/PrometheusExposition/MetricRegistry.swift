import Synchronization

/// The counters and histograms of the process, and how `/metrics` is written from them.
///
/// Counters start at zero with the process and are never restored: a restored counter would read as a reset followed by
/// the increase of a lifetime. Gauges are not kept here but collected at each scrape.
public final class MetricRegistry: Sendable {
    /// The families this registry holds values of.
    public let catalogue: MetricCatalogue
    private let tables: Mutex<SeriesTables>
    /// How long the last text was, so that the next needs no growing.
    private let lastSize = Atomic<Int>(0)

    /// Makes a registry in which every label set that is known in advance stands at zero.
    public init(catalogue: MetricCatalogue = .standard) {
        self.catalogue = catalogue
        tables = Mutex(SeriesTables(catalogue))
        zeroInitialise()
    }

    /// The counter with these label values, in the order of the declaration; it is made at zero where it is new.
    ///
    /// Beyond the family's limit the counter of `other` is returned and the dropped label set is counted.
    public func counter(_ counter: CounterFamily, _ labels: [String] = []) -> CounterSeries {
        tables.withLock { $0.counter(counter.family, labels) }
    }

    /// The histogram with these label values, in the order of the declaration; it is made at zero where it is new.
    ///
    /// Beyond the family's limit the histogram of `other` is returned and the dropped label set is counted.
    public func histogram(_ histogram: HistogramFamily, _ labels: [String] = []) -> HistogramSeries {
        tables.withLock { $0.histogram(histogram.family, labels) }
    }

    /// Makes every series at zero that has all the given labels and otherwise only labels known in advance.
    ///
    /// A series that first appears with its first event is invisible to `rate` and `increase`. Call this with
    /// `["model": …]` for a new model and with `["model": …, "model_version": …]` for a new version.
    public func zeroInitialise(given labels: [String: String] = [:]) {
        for family in catalogue.families where !family.isCollected {
            for values in Self.labelSets(of: family, given: labels) {
                tables.withLock { tables in
                    switch family.type {
                    case .counter: _ = tables.counter(family, values)
                    case .histogram: _ = tables.histogram(family, values)
                    case .gauge: break
                    }
                }
            }
        }
    }

    /// Removes every series that has all the given label values, such as those of a version no device runs any more.
    ///
    /// - Returns: how many series were removed.
    @discardableResult
    public func retire(_ labels: [String: String]) -> Int {
        tables.withLock { $0.retire(labels) }
    }

    /// Writes all families.
    ///
    /// - Parameters:
    ///   - format: what the scraper asked for.
    ///   - collect: fills in the gauges from the current state; it runs without any lock held.
    /// - Returns: the body of the answer to a scrape.
    public func render(_ format: ExpositionFormat, collecting collect: (inout MetricSnapshot) -> Void) -> [UInt8] {
        var snapshot = MetricSnapshot()
        collect(&snapshot)
        let collected = collectedSamples(of: snapshot)
        let tables = self.tables.withLock { $0 }
        var writer = ExpositionWriter(format: format, reserving: lastSize.load(ordering: .relaxed))
        for family in catalogue.families {
            if family.isCollected {
                writer.write(family, samples: collected[family.name] ?? [])
            } else if let table = tables.counters[family.name] {
                writer.write(family, counters: table.sorted)
            } else if let table = tables.histograms[family.name] {
                writer.write(family, histograms: table.sorted)
            }
        }
        let bytes = writer.finish()
        lastSize.store(bytes.count, ordering: .relaxed)
        return bytes
    }

    /// Sorts the collected samples; done before the counters are written, so that what is dropped is counted in time.
    private func collectedSamples(of snapshot: MetricSnapshot) -> [String: [MetricSnapshot.Sample]] {
        var collected: [String: [MetricSnapshot.Sample]] = [:]
        for family in catalogue.families where family.isCollected {
            let (samples, dropped) = snapshot.sortedSamples(of: family)
            if dropped > 0 { tables.withLock { $0.countDropped(family, UInt64(dropped)) } }
            collected[family.name] = samples
        }
        return collected
    }

    /// The label sets that the given and the known values span; none where a value is missing.
    ///
    /// Left out are sets in which two labels with the same known values agree: nothing changes from a state to itself.
    private static func labelSets(of family: MetricFamily, given: [String: String]) -> [[String]] {
        guard given.keys.allSatisfy({ name in family.labels.contains { $0.name == name } }) else { return [] }
        var sets: [[String]] = [[]]
        for label in family.labels {
            guard let choices = given[label.name].map({ [$0] }) ?? label.known else { return [] }
            sets = sets.flatMap { set in choices.map { set + [$0] } }
        }
        return sets.filter { set in
            !set.indices.contains { index in
                let known = family.labels[index].known
                return known != nil
                    && set.indices.contains {
                        $0 > index && family.labels[$0].known == known && set[$0] == set[index]
                    }
            }
        }
    }
}

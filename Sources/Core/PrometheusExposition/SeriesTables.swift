/// The series of all families whose values are kept between scrapes.
struct SeriesTables: Sendable {
    private(set) var counters: [String: SeriesTable<CounterSeries>] = [:]
    private(set) var histograms: [String: SeriesTable<HistogramSeries>] = [:]

    /// Makes empty tables, and a zero for each family that may come to drop label sets.
    init(_ catalogue: MetricCatalogue) {
        for family in catalogue.families where !family.isCollected {
            switch family.type {
            case .counter: counters[family.name] = SeriesTable(family: family)
            case .histogram: histograms[family.name] = SeriesTable(family: family)
            case .gauge: break
            }
        }
        for family in catalogue.families where family.isOpen {
            countDropped(family, 0)
        }
    }

    /// Finds or makes a counter.
    mutating func counter(_ family: MetricFamily, _ labels: [String]) -> CounterSeries {
        guard let (series, isFolded) = counters[family.name]?.series(labels) else {
            assertionFailure("\(family.name) is not in the catalogue")
            return CounterSeries(family: family, values: labels, labelText: "")
        }
        if isFolded { countDropped(family, 1) }
        return series
    }

    /// Finds or makes a histogram.
    mutating func histogram(_ family: MetricFamily, _ labels: [String]) -> HistogramSeries {
        guard let (series, isFolded) = histograms[family.name]?.series(labels) else {
            assertionFailure("\(family.name) is not in the catalogue")
            return HistogramSeries(family: family, values: labels, labelText: "")
        }
        if isFolded { countDropped(family, 1) }
        return series
    }

    /// Removes every series that has all the given label values, and says how many there were.
    mutating func retire(_ labels: [String: String]) -> Int {
        var removed = 0
        for name in counters.keys { removed += counters[name]?.retire(labels) ?? 0 }
        for name in histograms.keys { removed += histograms[name]?.retire(labels) ?? 0 }
        return removed
    }

    /// Counts label sets that a family was too full for.
    mutating func countDropped(_ family: MetricFamily, _ count: UInt64) {
        counters[CounterFamily.droppedLabelSets.family.name]?.series([family.name]).series.add(count)
    }
}

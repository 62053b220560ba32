/// The series of one family, with its limit.
struct SeriesTable<Series: MetricSeries>: Sendable {
    let family: MetricFamily
    private var byText: [String: Series] = [:]
    /// All series, sorted by their label text.
    private(set) var sorted: [Series] = []

    init(family: MetricFamily) {
        self.family = family
    }

    /// Finds or makes a series.
    ///
    /// - Returns: the series, and whether it is the one that stands for all label sets beyond the limit.
    mutating func series(_ values: [String]) -> (series: Series, isFolded: Bool) {
        guard values.count == family.labels.count else {
            assertionFailure("\(family.name) takes \(family.labels.count) label values and got \(values.count)")
            return (found(family.labels.map { _ in LabelText.other }), true)
        }
        let text = LabelText.make(family.labels, values)
        if let series = byText[text] { return (series, false) }
        guard sorted.count >= family.labelSetLimit else { return (insert(values, text), false) }
        return (found(folded(values)), true)
    }

    /// Removes the series whose labels have the given values; a family without one of the labels keeps all.
    mutating func retire(_ labels: [String: String]) -> Int {
        let names = family.labels.map(\.name)
        guard !labels.isEmpty, labels.keys.allSatisfy(names.contains) else { return 0 }
        let leaving = sorted.filter { series in
            zip(names, series.values).allSatisfy { name, value in labels[name].map { $0 == value } ?? true }
        }
        guard !leaving.isEmpty else { return 0 }
        for series in leaving {
            series.markRetired()
            byText[series.labelText] = nil
        }
        sorted.removeAll { byText[$0.labelText] == nil }
        return leaving.count
    }

    private mutating func found(_ values: [String]) -> Series {
        let text = LabelText.make(family.labels, values)
        return byText[text] ?? insert(values, text)
    }

    private mutating func insert(_ values: [String], _ text: String) -> Series {
        let series = Series(family: family, values: values, labelText: text)
        let place = sorted.firstIndex { $0.labelText > text } ?? sorted.count
        sorted.insert(series, at: place)
        byText[text] = series
        return series
    }

    /// Keeps values that were known in advance, so that folding loses as little as the limit demands.
    private func folded(_ values: [String]) -> [String] {
        zip(family.labels, values).map { label, value in
            label.known?.contains(value) == true ? value : LabelText.other
        }
    }
}

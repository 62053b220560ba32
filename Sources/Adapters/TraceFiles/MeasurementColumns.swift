internal import CanaryAnalysis

/// Which columns of a file hold measurements, and how a row's numbers become ``Measurements``.
///
/// A row is one number per column; an empty cell is not-a-number.
struct MeasurementColumns {
    /// A mean and how many samples it is of; without a count the requests count.
    struct Mean: Hashable {
        var name: String
        var mean: Int?
        var count: Int?
    }

    private(set) var requests: Int?
    private(set) var failures: Int?
    /// Columns that count requests up to a bound in seconds, by growing bounds.
    private(set) var latency: [(bound: Double, column: Int)] = []
    /// The column that counts requests of any latency.
    private(set) var anyLatency: Int?
    private(set) var means: [Mean] = []
    /// Whether each column of the file is one of these.
    private(set) var isMeasured: [Bool]
    private let header: [String]
    /// Columns that count something, and those whose counts accumulate, in the order of their bounds.
    private var counts: [Int] = []
    private var accumulated: [Int] = []

    /// Finds the columns whose names begin with a prefix, such as `history_`.
    init(header: [String], prefix: String = "") {
        self.header = header
        isMeasured = [Bool](repeating: false, count: header.count)
        for (column, name) in header.enumerated() where name.hasPrefix(prefix) {
            isMeasured[column] = take(String(name.dropFirst(prefix.count)), column)
        }
        latency.sort { $0.bound < $1.bound }
        // A count without its mean measures nothing.
        means.removeAll { $0.mean == nil }
        counts = header.indices.filter { column in isMeasured[column] && !means.contains { $0.mean == column } }
        accumulated = latency.map(\.column) + (anyLatency.map { [$0] } ?? [])
    }

    private mutating func take(_ name: String, _ column: Int) -> Bool {
        if name == "requests" {
            requests = column
        } else if name == "failures" {
            failures = column
        } else if let bound = name.after("latency_le_") {
            if ["+inf", "inf", "infinity", "+infinity"].contains(bound.lowercased()) {
                anyLatency = column
            } else {
                guard let seconds = Double(bound), seconds.isFinite, seconds > 0 else { return false }
                latency.append((seconds, column))
            }
        } else if let mean = name.after("mean_") {
            means[place(of: mean)].mean = column
        } else if let count = name.after("count_") {
            means[place(of: count)].count = column
        } else {
            return false
        }
        return true
    }

    private mutating func place(of mean: String) -> Int {
        if let known = means.firstIndex(where: { $0.name == mean }) { return known }
        means.append(Mean(name: mean))
        return means.count - 1
    }

    /// What both files measure: all means, and the latency bounds that they share.
    static func names(_ observed: MeasurementColumns, _ history: MeasurementColumns) -> MeasurementNames {
        let bounds = observed.latency.map(\.bound)
        let known = history.latency.map(\.bound)
        let means = observed.means.map(\.name)
        return MeasurementNames(
            latencyBounds: known.isEmpty ? bounds : bounds.filter(known.contains),
            means: means + history.means.map(\.name).filter { !means.contains($0) })
    }

    /// Brings the columns into the order of the names; counts up to a bound that is not named are left out.
    mutating func align(to names: MeasurementNames) {
        latency = latency.filter { names.latencyBounds.contains($0.bound) }
        means = names.means.map { name in means.first { $0.name == name } ?? Mean(name: name) }
    }

    // MARK: - Rows

    /// A row's measurements; its numbers stand at `base` and behind it.
    func measurements(_ numbers: [Double], at base: Int) -> Measurements {
        let requests = count(numbers, base, requests)
        var measured = Measurements(requests: requests, failures: count(numbers, base, failures))
        if !latency.isEmpty { measured.latency = buckets(numbers, base, requests) }
        if !means.isEmpty {
            measured.means = means.map { mean in
                guard let column = mean.mean, !numbers[base + column].isNaN else { return Tally() }
                let own = mean.count.map { numbers[base + $0] } ?? .nan
                let count = own.isNaN ? requests : own
                return Tally(count: count, total: count * numbers[base + column])
            }
        }
        return measured
    }

    private func count(_ numbers: [Double], _ base: Int, _ column: Int?) -> Double {
        guard let column, !numbers[base + column].isNaN else { return 0 }
        return numbers[base + column]
    }

    /// Requests by bucket from counts that accumulate; empty where one of them is not given.
    private func buckets(_ numbers: [Double], _ base: Int, _ requests: Double) -> [Double] {
        var buckets: [Double] = []
        buckets.reserveCapacity(latency.count + 1)
        var below = 0.0
        for (_, column) in latency {
            let count = numbers[base + column]
            guard !count.isNaN else { return [] }
            buckets.append(count - below)
            below = count
        }
        let any = anyLatency.map { numbers[base + $0] } ?? .nan
        buckets.append(max(0, (any.isNaN ? requests : any) - below))
        return buckets
    }

    /// What is wrong with a row's numbers; nil where nothing is.
    func fault(_ numbers: [Double], areWhole: Bool) -> String? {
        for column in counts where !numbers[column].isNaN {
            let number = numbers[column]
            if number < 0 { return "\(header[column]) is below 0; write what was counted since the row before" }
            if areWhole, number != number.rounded() { return "\(header[column]) is not a whole number; write a count" }
            if areWhole, number > Self.countLimit {
                return "\(header[column]) is above 1e9; write what was counted since the row before, no running total"
            }
        }
        if count(numbers, 0, failures) > count(numbers, 0, requests) {
            return "there are more failures than requests; requests include the failed ones"
        }
        var below = 0.0
        for column in accumulated where !numbers[column].isNaN {
            guard numbers[column] >= below else {
                return "\(header[column]) is less than the bucket before it; the counts accumulate over the buckets"
            }
            below = numbers[column]
        }
        return nil
    }

    private static let countLimit = 1e9
}

extension String {
    /// What stands behind a prefix; nil where there is none, or nothing behind it.
    func after(_ prefix: String) -> String? {
        guard hasPrefix(prefix), count > prefix.count else { return nil }
        return String(dropFirst(prefix.count))
    }
}

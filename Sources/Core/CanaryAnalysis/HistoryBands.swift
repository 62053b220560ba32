/// Parts of a large stratum, by how many failures its devices had: each part gives its share of the cohort, so that no
/// draw takes by chance only devices that seldom fail and have little to tell.
///
/// It is blocking, as randomised trials do it by what is known before them: the test stays exact, because assignments
/// are compared inside the same parts, and small effects are found more often (x1.25 in devices that differ: in 96.0 %
/// of 500 rollouts instead of 92.4 %).
struct HistoryBands {
    /// A part has at least so many devices.
    static let smallestBand = 40
    /// Each arm has so many devices of a part on average.
    static let smallestArm = 2.0
    /// A stratum has at most so many parts; more would cost time and find nothing more.
    static let most = 16

    private let histories: [Tally]
    private let share: Double

    /// Prepares the parts.
    ///
    /// - Parameters:
    ///   - histories: the requests and failures of each device; without requests it counts as a middling one.
    ///   - share: the share of the devices that is drawn, in 0...1.
    init(of histories: [Tally], share: Double) {
        self.histories = histories
        self.share = min(share, 1 - share)
    }

    /// Writes the number of each device's part behind the label of its stratum.
    func part(_ labels: inout [String]) {
        var strata: [String: [Int]] = [:]
        for index in labels.indices { strata[labels[index], default: []].append(index) }
        for (label, members) in strata {
            let bands = min(
                Self.most, members.count / Self.smallestBand, Int(Double(members.count) * share / Self.smallestArm))
            guard bands > 1, let sorted = sorted(members) else { continue }
            for (place, index) in sorted.enumerated() {
                let number = String(place * bands / sorted.count)
                labels[index] = label + "\u{1}" + String(repeating: "0", count: 2 - number.count) + number
            }
        }
    }

    /// Devices by their failures, then by their requests; nil where they do not differ.
    private func sorted(_ members: [Int]) -> [Int]? {
        let known = members.map { histories[$0] }.filter { $0.count > 0 }.sorted(by: isLess)
        guard let first = known.first, let last = known.last, isLess(first, last) else { return nil }
        let middling = known[known.count / 2]
        let keys = members.map { histories[$0].count > 0 ? histories[$0] : middling }
        return members.indices.sorted { left, right in
            isLess(keys[left], keys[right]) || (!isLess(keys[right], keys[left]) && members[left] < members[right])
        }.map { members[$0] }
    }

    private func isLess(_ left: Tally, _ right: Tally) -> Bool {
        (left.total, left.count) < (right.total, right.count)
    }
}

/// A device that a step may draw.
public struct Candidate: Hashable, Sendable {
    /// Its id.
    public var id: String
    /// Its site; empty where it has none.
    public var site: String
    /// Its hardware; empty where it has none.
    public var hardware: String
    /// The unit it is drawn with; nil where it is one of its own.
    public var unit: String?
    /// Its requests and failures before the draw, by which it is told how much it has to tell; nothing without history.
    public var history: Tally

    /// Names a candidate.
    public init(
        id: String, site: String = "", hardware: String = "", unit: String? = nil, history: Tally = Tally()
    ) {
        self.history = history
        self.id = id
        self.site = site
        self.hardware = hardware
        self.unit = unit
    }

    fileprivate var siteAndHardware: String { site + "\u{1}" + hardware }
}

/// A cohort drawn at random within strata: everyone in a stratum is equally likely, whoever else is drawn.
public struct CohortDraw: Hashable, Sendable {
    /// A stratum smaller than this is merged into the next coarser one.
    public static let smallestStratum = 20

    /// The stratum of each candidate, counted from 0, in the order the candidates were given.
    public let strata: [Int]
    /// Whether each candidate was drawn, in the same order.
    public let isDrawn: [Bool]

    /// How many devices a step for everybody leaves to be compared with: a tenth of all and at least twenty, at most
    /// half of its list.
    ///
    /// A tenth of its list alone would be too few to prove anything soon, and too few to draw a holdback from.
    public static func comparison(of devices: Int, listed: Int) -> Int {
        min((listed + 1) / 2, max(20, Int((0.1 * Double(devices)).rounded(.up))))
    }

    /// Draws `size` of the candidates.
    ///
    /// Strata are site and hardware together; a stratum that expects less than one canary or holds fewer than 20
    /// devices is merged into that of its hardware, and that into the rest of all. A large stratum is parted once more
    /// by how many failures its devices had (``HistoryBands``). The size is shared out by largest remainder.
    ///
    /// Candidates of one unit are drawn together: then units are drawn, as many as bring `size` devices on average
    /// (``Units/count(bringing:of:in:)``), inside strata of units by what all their devices share.
    ///
    /// - Parameters:
    ///   - candidates: everyone on the list, in a fixed order.
    ///   - size: how many to draw; more than there are draws all.
    ///   - seed: the rollout's salt.
    ///   - step: the step, so that each draws afresh.
    public init(candidates: [Candidate], size: Int, seed: UInt64, step: Int) {
        guard let units = Units(candidates.map(\.unit)) else {
            (strata, isDrawn) = Self.drawn(candidates, size: size, seed: seed, step: step)
            return
        }
        let sites = units.common(candidates.map(\.site))
        let hardware = units.common(candidates.map(\.hardware))
        let whole = zip(sites, hardware).map { Candidate(id: "", site: $0 ?? "", hardware: $1 ?? "") }
        let draw = Self.drawn(
            whole, size: Units.count(bringing: size, of: candidates.count, in: units.count), seed: seed, step: step)
        strata = units.ofDevice.map { draw.strata[$0] }
        isDrawn = units.ofDevice.map { draw.isDrawn[$0] }
    }

    /// Draws candidates one by one.
    private static func drawn(
        _ candidates: [Candidate], size: Int, seed: UInt64, step: Int
    ) -> (strata: [Int], isDrawn: [Bool]) {
        let size = max(0, min(size, candidates.count))
        var random = KeyedRandom(seed: seed, purpose: .draw, stream: UInt32(truncatingIfNeeded: step))
        let strata = strata(of: candidates, size: size)
        let members = members(of: strata)
        let sizes = shares(of: size, among: members.map(\.count), random: &random)
        var isDrawn = [Bool](repeating: false, count: candidates.count)
        for (members, size) in zip(members, sizes) {
            for index in choose(size, of: members, random: &random) { isDrawn[index] = true }
        }
        return (strata, isDrawn)
    }

    private static func strata(of candidates: [Candidate], size: Int) -> [Int] {
        let share = candidates.isEmpty ? 0 : Double(size) / Double(candidates.count)
        var labels = [String](repeating: "", count: candidates.count)
        var open = Array(candidates.indices)
        for (level, name) in [\Candidate.siteAndHardware, \Candidate.hardware].enumerated() {
            var groups: [String: [Int]] = [:]
            for index in open { groups[candidates[index][keyPath: name], default: []].append(index) }
            open = []
            for (label, group) in groups {
                guard group.count >= smallestStratum, Double(group.count) * share >= 1 else {
                    open += group
                    continue
                }
                for index in group { labels[index] = "\(level)\u{0}\(label)" }
            }
        }
        HistoryBands(of: candidates.map(\.history), share: share).part(&labels)
        let numbers = Dictionary(uniqueKeysWithValues: Set(labels).sorted().enumerated().map { ($1, $0) })
        return labels.map { numbers[$0] ?? 0 }
    }

    /// The positions of each stratum's members.
    static func members(of strata: [Int]) -> [[Int]] {
        var members = [[Int]](repeating: [], count: (strata.max() ?? -1) + 1)
        for (index, stratum) in strata.enumerated() { members[stratum].append(index) }
        return members
    }

    /// Shares a number out in proportion, by largest remainder, ties by draw.
    private static func shares(of size: Int, among counts: [Int], random: inout KeyedRandom) -> [Int] {
        let all = counts.reduce(0, +)
        guard all > 0 else { return counts.map { _ in 0 } }
        var shares = counts.map { size * $0 / all }
        let remainders = counts.map { size * $0 % all }
        let ties = counts.map { _ in random.next() }
        let order = counts.indices.sorted { (remainders[$0], ties[$0]) > (remainders[$1], ties[$1]) }
        for index in order.prefix(size - shares.reduce(0, +)) { shares[index] += 1 }
        return shares
    }

    /// The first `size` of a random order (Fisher and Yates).
    static func choose(_ size: Int, of members: [Int], random: inout KeyedRandom) -> ArraySlice<Int> {
        var members = members
        for place in 0..<size { members.swapAt(place, place + random.next(below: members.count - place)) }
        return members.prefix(size)
    }
}

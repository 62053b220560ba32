/// The ways the cohort could have been drawn: the observed one first, then all others where they are few, else a
/// sample.
///
/// Under "the version changes nothing on any device" each is as likely as the observed one, so a statistic of the
/// observed assignment that few others reach is evidence.
struct Assignments: Sendable {
    /// Up to so many possible assignments all are compared.
    static let enumerationLimit = 20_000
    /// The least number that is drawn where they are more.
    static let sampleSize = 10_000

    /// How many there are, the observed one included.
    let count: Int
    /// True where these are all possible assignments.
    let isComplete: Bool
    private let layout: Layout
    /// True where the layout holds the comparison's devices because they are fewer.
    private let holdsOthers: Bool

    private enum Layout: Sendable {
        /// The members of each assignment, so many apiece, one assignment after another.
        case listed([Int32], size: Int)
        case rotated(RotatedOrders)
    }

    /// Prepares the assignments of a step's cohort, of its units where these are not its devices.
    init(_ experiment: StepExperiment, units: Units?) {
        let isCanary = experiment.devices.map(\.isCanary)
        let strata = experiment.devices.map(\.stratum)
        self.init(
            isCanary: units?.firsts(isCanary) ?? isCanary, strata: units?.firsts(strata) ?? strata,
            share: experiment.plan.assignmentLevel, seed: experiment.seed)
    }

    /// Prepares the assignments of a drawn cohort.
    ///
    /// - Parameters:
    ///   - isCanary: whether each unit was drawn.
    ///   - strata: the stratum of each unit, counted from 0.
    ///   - share: the level of the test that will compare them: at least 20 assignments may cross.
    ///   - seed: the key of the sample.
    init(isCanary: [Bool], strata: [Int], share: Double, seed: UInt64) {
        let canaries = isCanary.count { $0 }
        let holdsOthers = canaries * 2 > isCanary.count
        self.holdsOthers = holdsOthers
        let isMember = isCanary.map { $0 != holdsOthers }
        let size = isMember.count { $0 }
        let groups = CohortDraw.members(of: strata)
        let sizes = groups.map { group in group.count { isMember[$0] } }
        let possible = Self.possible(isMember: isMember, strata: strata)
        isComplete = possible <= Double(Self.enumerationLimit)
        let observed = isMember.indices.filter { isMember[$0] }.map(Int32.init)
        guard !isComplete else {
            var all = observed
            for assignment in Self.enumerate(groups, sizes) where assignment != observed { all += assignment }
            layout = .listed(all, size: size)
            count = size == 0 ? 1 : all.count / size
            return
        }
        let wanted = max(Self.sampleSize, Int((20 / share).rounded(.up)))
        let plan = RotatedOrders.Plan(units: isMember.count, wanted: wanted)
        if plan.isCheaper(than: wanted * size, strata: groups.count) {
            let orders = RotatedOrders(isMember: isMember, groups: groups, plan: plan, seed: seed)
            layout = .rotated(orders)
            count = orders.count
        } else {
            var all = observed
            all.reserveCapacity((wanted + 1) * size)
            var random = KeyedRandom(seed: seed, purpose: .assignments)
            for _ in 0..<wanted {
                for (group, size) in zip(groups, sizes) {
                    all += CohortDraw.choose(size, of: group, random: &random).map(Int32.init)
                }
            }
            layout = .listed(all, size: size)
            count = wanted + 1
        }
    }

    /// How many assignments of a step are compared; where not all are, at least so many.
    static func count(_ experiment: StepExperiment, units: Units?) -> Int {
        let isCanary = experiment.devices.map(\.isCanary)
        let strata = experiment.devices.map(\.stratum)
        let drawn = units?.firsts(isCanary) ?? isCanary
        let possible = CohortDraw.members(of: units?.firsts(strata) ?? strata).reduce(1.0) { product, group in
            product * combinations(group.count, group.count { drawn[$0] })
        }
        return possible <= Double(enumerationLimit)
            ? Int(possible.rounded()) : max(sampleSize, Int((20 / experiment.plan.share).rounded(.up)))
    }

    /// The sum of a row over the canaries of every assignment.
    func sums(of row: ScoreRow) -> [Int64] { sums(of: [row])[0] }

    /// The sums of several rows: eight are summed at a time.
    func sums(of rows: [ScoreRow]) -> [[Int64]] {
        var all: [[Int64]] = []
        all.reserveCapacity(rows.count)
        for start in stride(from: 0, to: rows.count, by: 8) {
            let rows = rows[start..<min(start + 8, rows.count)]
            let packed = Self.packed(Array(rows))
            var sums: [SIMD8<Int64>]
            switch layout {
            case .listed(let members, let size): sums = Self.sums(of: packed, members: members, size: size, count)
            case .rotated(let orders): sums = orders.sums(of: packed)
            }
            if holdsOthers {
                var total = SIMD8<Int64>.zero
                for scores in packed { total &+= scores }
                for index in sums.indices { sums[index] = total &- sums[index] }
            }
            for lane in 0..<rows.count { all.append(Self.lane(lane, of: sums)) }
        }
        return all
    }

    private static func packed(_ rows: [ScoreRow]) -> [SIMD8<Int64>] {
        var packed = [SIMD8<Int64>](repeating: .zero, count: rows.first?.count ?? 0)
        for (lane, row) in rows.enumerated() {
            for index in packed.indices { packed[index][lane] = row[index] }
        }
        return packed
    }

    /// One of eight numbers of each element; constant indices are what makes it quick.
    private static func lane(_ lane: Int, of sums: [SIMD8<Int64>]) -> [Int64] {
        switch lane {
        case 0: sums.map { $0[0] }
        case 1: sums.map { $0[1] }
        case 2: sums.map { $0[2] }
        case 3: sums.map { $0[3] }
        case 4: sums.map { $0[4] }
        case 5: sums.map { $0[5] }
        case 6: sums.map { $0[6] }
        default: sums.map { $0[7] }
        }
    }

    private static func sums(
        of packed: [SIMD8<Int64>], members: [Int32], size: Int, _ count: Int
    ) -> [SIMD8<Int64>] {
        var sums = [SIMD8<Int64>](repeating: .zero, count: count)
        var position = 0
        for assignment in 0..<count {
            var sum = SIMD8<Int64>.zero
            for member in position..<(position + size) { sum &+= packed[Int(members[member])] }
            position += size
            sums[assignment] = sum
        }
        return sums
    }

    /// How many ways there are to draw as many of each stratum.
    static func possible(isMember: [Bool], strata: [Int]) -> Double {
        CohortDraw.members(of: strata).reduce(1.0) { product, group in
            product * combinations(group.count, group.count { isMember[$0] })
        }
    }

    private static func combinations(_ all: Int, _ chosen: Int) -> Double {
        let chosen = min(chosen, all - chosen)
        guard chosen > 0 else { return 1 }
        return (1...chosen).reduce(1.0) { $0 * Double(all - chosen + $1) / Double($1) }
    }

    /// Every choice within every group, in lexicographic order; members sorted within an assignment.
    private static func enumerate(_ groups: [[Int]], _ sizes: [Int]) -> [[Int32]] {
        var all: [[Int32]] = [[]]
        for (group, size) in zip(groups, sizes) {
            let choices = choices(size, of: group.map(Int32.init))
            all = all.flatMap { partial in choices.map { partial + $0 } }
        }
        return all.map { $0.sorted() }
    }

    private static func choices(_ size: Int, of items: [Int32]) -> [[Int32]] {
        guard size > 0 else { return [[]] }
        guard items.count >= size else { return [] }
        return items.indices.dropLast(size - 1).flatMap { index in
            choices(size - 1, of: Array(items[(index + 1)...])).map { [items[index]] + $0 }
        }
    }
}

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
    /// The devices of the smaller arm of each assignment, one assignment after another.
    private let members: [Int32]
    private let size: Int
    /// True where `members` holds the comparison's devices because they are fewer.
    private let holdsOthers: Bool

    init(isCanary: [Bool], strata: [Int], share: Double, seed: UInt64) {
        let canaries = isCanary.count { $0 }
        holdsOthers = canaries * 2 > isCanary.count
        let isMember = holdsOthers ? isCanary.map { !$0 } : isCanary
        size = isMember.count { $0 }
        let groups = CohortDraw.members(of: strata)
        let sizes = groups.map { group in group.count { isMember[$0] } }
        let possible = zip(groups, sizes).reduce(1.0) { $0 * Self.combinations($1.0.count, $1.1) }
        isComplete = possible <= Double(Self.enumerationLimit)
        let observed = isMember.indices.filter { isMember[$0] }.map(Int32.init)
        var all = observed
        if isComplete {
            for assignment in Self.enumerate(groups, sizes) where assignment != observed { all += assignment }
        } else {
            let wanted = max(Self.sampleSize, Int((20 / share).rounded(.up)))
            var random = KeyedRandom(seed: seed, purpose: .assignments)
            all.reserveCapacity((wanted + 1) * size)
            for _ in 0..<wanted {
                for (group, size) in zip(groups, sizes) {
                    all += CohortDraw.choose(size, of: group, random: &random).map(Int32.init)
                }
            }
        }
        members = all
        count = size == 0 ? 1 : all.count / size
    }

    /// The sum of a row over the canaries of every assignment.
    func sums(of row: ScoreRow) -> [Int64] {
        let total = row.reduce(0, &+)
        var sums = [Int64](repeating: 0, count: count)
        guard size > 0 else { return sums }
        var position = 0
        for assignment in 0..<count {
            var sum: Int64 = 0
            for _ in 0..<size {
                sum &+= row[Int(members[position])]
                position += 1
            }
            sums[assignment] = holdsOthers ? total &- sum : sum
        }
        return sums
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

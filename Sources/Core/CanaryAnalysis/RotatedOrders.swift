/// Assignments as blocks of random orders: a few orders of every stratum, each rotated many times.
///
/// The first order has the observed cohort in front, everyone else behind, both in random order; the others are random
/// throughout. The cohort of an assignment is the block of each stratum's order that starts at a rotation's offset, so
/// its sum is a difference of prefix sums, and a row costs one pass for each order instead of one look for each member
/// of each assignment. Given the set, every one of its members is equally likely to be the observed one: an order in
/// which the observed block stands at a random place is a random order, and differences of random offsets are random.
struct RotatedOrders: Sendable {
    /// How many orders and rotations.
    struct Plan: Sendable {
        /// Fewer units have too few rotations.
        static let smallestList = 500

        let orders: Int
        let rotations: Int
        private let units: Int

        init(units: Int, wanted: Int) {
            self.units = units
            let root = Int(Double(wanted).squareRoot().rounded(.up))
            orders = units >= 20_000 ? max(1, root / 2) : root
            rotations = wanted / orders + 1
        }

        /// Whether this costs clearly less than looking at every member of every assignment.
        func isCheaper(than looks: Int, strata: Int) -> Bool {
            units >= Self.smallestList && 2 * (orders * units + 2 * orders * rotations * strata) < looks
        }
    }

    /// How many assignments there are.
    var count: Int { plan.orders * plan.rotations }

    private let plan: Plan
    private let units: Int
    /// The units in each order, stratum after stratum, one order after another.
    private let order: [Int32]
    private let strata: [Stratum]
    /// Where the block starts in each stratum, for one rotation after another.
    private let offsets: [Int32]

    private struct Stratum: Sendable {
        let start: Int
        let count: Int
        let size: Int
    }

    init(isMember: [Bool], groups: [[Int]], plan: Plan, seed: UInt64) {
        self.plan = plan
        units = isMember.count
        var strata: [Stratum] = []
        var start = 0
        for group in groups {
            strata.append(Stratum(start: start, count: group.count, size: group.count { isMember[$0] }))
            start += group.count
        }
        var random = KeyedRandom(seed: seed, purpose: .assignments)
        var order: [Int32] = []
        order.reserveCapacity(plan.orders * units)
        for number in 0..<plan.orders {
            for group in groups {
                let shuffled = CohortDraw.choose(group.count, of: group, random: &random)
                if number == 0 {
                    order += shuffled.filter { isMember[$0] }.map(Int32.init)
                    order += shuffled.filter { !isMember[$0] }.map(Int32.init)
                } else {
                    order += shuffled.map(Int32.init)
                }
            }
        }
        var offsets = [Int32](repeating: 0, count: strata.count)
        for _ in 1..<plan.rotations {
            offsets += strata.map { Int32(random.next(below: max(1, $0.count))) }
        }
        self.order = order
        self.strata = strata
        self.offsets = offsets
    }

    /// The sums over the block of every assignment.
    func sums(of packed: [SIMD8<Int64>]) -> [SIMD8<Int64>] {
        var sums = [SIMD8<Int64>](repeating: .zero, count: count)
        var prefix = [SIMD8<Int64>](repeating: .zero, count: units + 1)
        for number in 0..<plan.orders {
            let base = number * units
            var running = SIMD8<Int64>.zero
            for place in 0..<units {
                running &+= packed[Int(order[base + place])]
                prefix[place + 1] = running
            }
            var position = 0
            for rotation in 0..<plan.rotations {
                var sum = SIMD8<Int64>.zero
                for stratum in strata {
                    let from = stratum.start + Int(offsets[position])
                    position += 1
                    let end = from + stratum.size
                    let last = stratum.start + stratum.count
                    if end <= last {
                        sum &+= prefix[end] &- prefix[from]
                    } else {
                        sum &+= prefix[last] &- prefix[from] &+ prefix[end - stratum.count] &- prefix[stratum.start]
                    }
                }
                sums[number * plan.rotations + rotation] = sum
            }
        }
        return sums
    }
}

/// A device that a step may draw.
public struct CohortCandidate: Hashable, Sendable {
    /// The device's id.
    public var id: String
    /// The value of its label `site`; empty for none.
    public var site: String
    /// The value of its hardware label; empty for none.
    public var hardware: String

    /// Makes a candidate.
    public init(id: String, site: String, hardware: String) {
        self.id = id
        self.site = site
        self.hardware = hardware
    }
}

/// The draw of one step: which devices of its eligible list become canaries.
///
/// Every device's number comes from the seed and its id alone, so the order of the list does not matter; within each
/// stratum the smallest numbers are drawn. The size is spread over the strata by largest remainder, ties by the draw.
public struct CohortDraw: Hashable, Sendable {
    /// The ids drawn, in the list's order.
    public let chosen: [String]
    /// The stratum of every candidate, in the list's order, e.g. `site=berlin,hardware=orin`, `hardware=orin`, `all`.
    public let strata: [String]

    /// Draws `size` of the candidates, all of them where there are not more.
    ///
    /// - Parameter seed: of ``Philox/seed(salt:step:)``.
    public init(candidates: [CohortCandidate], size: Int, seed: UInt64) {
        let generator = Philox(key: seed)
        let wanted = min(max(size, 0), candidates.count)
        strata = Strata.names(candidates, size: wanted)
        var members: [String: [Int]] = [:]
        for (index, stratum) in strata.enumerated() {
            members[stratum, default: []].append(index)
        }
        let names = members.keys.sorted()
        let quotas = Strata.quotas(
            size: wanted, counts: names.map { members[$0]?.count ?? 0 },
            ties: names.map { generator.number(for: $0, purpose: .remainder) })
        let numbers = candidates.map { generator.number(for: $0.id, purpose: .cohort) }
        var isChosen = [Bool](repeating: false, count: candidates.count)
        for (name, quota) in zip(names, quotas) {
            let order = (members[name] ?? []).sorted {
                (numbers[$0], candidates[$0].id) < (numbers[$1], candidates[$1].id)
            }
            for index in order.prefix(quota) {
                isChosen[index] = true
            }
        }
        chosen = candidates.indices.filter { isChosen[$0] }.map { candidates[$0].id }
    }

    /// The size of a cohort of a share of a list: rounded up, at least one where there is a device.
    ///
    /// - Parameter share: in 0...1.
    public static func size(share: Double, of devices: Int) -> Int {
        guard devices > 0 else { return 0 }
        let exact = min(max(share, 0), 1) * Double(devices)
        // 0.07 * 100 is a hair above 7: a rounding error must not add a device.
        return min(devices, max(1, Int((exact - 1e-9).rounded(.up))))
    }

    /// The most devices of a list that a step may draw and still be judged: all but a tenth, at least one left.
    public static func judgedSize(of devices: Int) -> Int {
        guard devices > 1 else { return devices }
        return devices - max(1, Int((Double(devices) / 10).rounded(.up)))
    }

    /// How many cohorts of these strata are possible: the product of the binomial coefficients, capped at `UInt64.max`.
    ///
    /// - Parameter strata: size of each stratum and how many of it are drawn.
    public static func possibleAssignments(_ strata: [(devices: Int, drawn: Int)]) -> UInt64 {
        strata.reduce(1) { product, stratum in
            let (result, overflow) = product.multipliedReportingOverflow(
                by: Binomial.coefficient(stratum.devices, stratum.drawn))
            return overflow ? .max : result
        }
    }
}

/// Binomial coefficients.
enum Binomial {
    /// `n` over `k`, capped at `UInt64.max`; 0 where `k` is outside 0...n.
    static func coefficient(_ n: Int, _ k: Int) -> UInt64 {
        guard k >= 0, n >= k else { return 0 }
        var result: UInt64 = 1
        for factor in 0..<UInt64(min(k, n - k)) {
            let (high, low) = result.multipliedFullWidth(by: UInt64(n) - factor)
            guard high < factor + 1 else { return .max }
            result = (factor + 1).dividingFullWidth((high, low)).quotient
        }
        return result
    }
}

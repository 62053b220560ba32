/// The units of a draw where they are not its devices: devices that share a value of a label, such as their site, are
/// drawn together because what happens to one happens to all.
///
/// Everything that is compared is then a number per unit, and the assignments are over units: what devices of a unit
/// share makes them alike, never the arms different.
public struct Units: Hashable, Sendable {
    /// The unit of each device, counted from 0.
    let ofDevice: [Int]
    /// How many devices each unit has.
    let sizes: [Int]

    /// How many units there are.
    public var count: Int { sizes.count }

    /// Numbers units by their names, in the order of their first devices; a device without a name is a unit of its own.
    ///
    /// Nil where no device has a name: then devices are the units and nothing is summed.
    public init?(_ names: [String?]) {
        guard names.contains(where: { $0 != nil }) else { return nil }
        var numbers: [String: Int] = [:]
        var (ofDevice, sizes) = ([Int](), [Int]())
        ofDevice.reserveCapacity(names.count)
        for name in names {
            let unit = name.flatMap { numbers[$0] } ?? sizes.count
            if unit == sizes.count { sizes.append(0) }
            if let name { numbers[name] = unit }
            sizes[unit] += 1
            ofDevice.append(unit)
        }
        self.ofDevice = ofDevice
        self.sizes = sizes
    }

    /// How many units bring so many devices on average, rounded up: at least one, and not all unless everyone is
    /// wanted.
    ///
    /// The number is fixed before the draw: if units were drawn until their devices are enough, some sets of units
    /// would be likelier than others and the test would not be exact.
    public static func count(bringing wanted: Int, of devices: Int, in units: Int) -> Int {
        guard wanted > 0, devices > 0 else { return 0 }
        guard wanted < devices else { return units }
        let enough = (wanted * units + devices - 1) / devices
        return max(1, min(enough, units - 1))
    }

    /// The stratum of every device as its unit has it: none where the unit's devices have several, or where no other
    /// unit has the same.
    public func strata(_ names: [String]) -> [String] {
        let own = common(names).map { $0 ?? "" }
        var counts: [String: Int] = [:]
        for name in own { counts[name, default: 0] += 1 }
        return ofDevice.map { counts[own[$0], default: 0] > 1 ? own[$0] : "" }
    }

    /// The sum over the devices of each unit.
    func sums(_ values: [Double]) -> [Double] {
        var sums = [Double](repeating: 0, count: count)
        for (unit, value) in zip(ofDevice, values) { sums[unit] += value }
        return sums
    }

    /// The sum over the devices of each unit.
    func sums(_ row: ScoreRow) -> ScoreRow {
        var sums = ScoreRow(repeating: 0, count: count)
        for (unit, value) in zip(ofDevice, row) { sums[unit] &+= value }
        return sums
    }

    /// What the first device of each unit has.
    func firsts<Value>(_ values: [Value]) -> [Value] {
        var firsts: [Value] = []
        for (unit, value) in zip(ofDevice, values) where unit == firsts.count { firsts.append(value) }
        return firsts
    }

    /// What all devices of each unit have; nil where they differ.
    func common<Value: Equatable>(_ values: [Value]) -> [Value?] {
        var common = firsts(values).map(Optional.some)
        for (unit, value) in zip(ofDevice, values) where common[unit] != value { common[unit] = .none }
        return common
    }
}

/// How many units are in the arms of a step whose units are not its devices.
public struct UnitCounts: Codable, Hashable, Sendable {
    /// The label whose values they are, such as `site`.
    public var label: String
    /// Units drawn.
    public var canaries: Int
    /// All other units on the list.
    public var others: Int

    /// Counts units.
    public init(label: String, canaries: Int, others: Int) {
        self.label = label
        self.canaries = canaries
        self.others = others
    }

    /// Units in words: `12 sites`, or `1 unit by rack` for a label that has no usual plural.
    public static func words(_ count: Int, by label: String) -> String {
        let isNoun = label == "site" || label == "unit"
        return "\(count) \(isNoun ? label : "unit")\(count == 1 ? "" : "s")" + (isNoun ? "" : " by \(label)")
    }

    /// Units and their devices: `12 sites, 96 devices`; without units the devices alone.
    public static func words(_ units: Int?, by label: String?, devices: Int) -> String {
        prefix(units, by: label) + "\(devices) device\(devices == 1 ? "" : "s")"
    }

    /// What stands before a number of devices: `12 sites, `; nothing without units.
    public static func prefix(_ units: Int?, by label: String?) -> String {
        guard let units, let label else { return "" }
        return words(units, by: label) + ", "
    }
}

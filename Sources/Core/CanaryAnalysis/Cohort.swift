/// Who is in which arm of a step, and in which class: fixed when the step is drawn.
struct Cohort: Sendable {
    /// The devices that share a label's value.
    struct LabelValue: Sendable {
        let name: String
        let isMember: [Bool]
    }

    let isCanary: [Bool]
    let canaries: [Int]
    let others: [Int]
    /// What was drawn where it is not single devices; nil where it is.
    let units: Units?
    /// The label values with at least five canary units that not everyone has, in a fixed order.
    let classes: [LabelValue]

    init(_ devices: [ExperimentDevice], units: Units? = nil) {
        self.units = units
        isCanary = devices.map(\.isCanary)
        canaries = devices.indices.filter { devices[$0].isCanary }
        others = devices.indices.filter { !devices[$0].isCanary }
        var groups: [String: [Int]] = [:]
        for index in devices.indices {
            for (key, value) in devices[index].labels { groups["\(key)=\(value)", default: []].append(index) }
        }
        let usable = groups.filter { group in
            let drawn = group.value.filter { devices[$0].isCanary }
            return group.value.count < devices.count && drawn.count >= 5
                && units.map { units in Set(drawn.map { units.ofDevice[$0] }).count >= 5 } ?? true
        }
        classes = usable.sorted { $0.key < $1.key }.map { name, members in
            var isMember = [Bool](repeating: false, count: devices.count)
            for index in members { isMember[index] = true }
            return LabelValue(name: name, isMember: isMember)
        }
    }
}

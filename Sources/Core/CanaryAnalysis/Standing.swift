/// How the arms stand at one tick: what the parts of a judgement share.
struct Standing {
    let experiment: StepExperiment
    let tick: Int
    let tracks: [DeviceTracks.Track]
    let assignments: Assignments
    let look: HarmTest.Look

    let canaries: [Int]
    let others: [Int]

    init(
        experiment: StepExperiment, tick: Int, tracks: [DeviceTracks.Track], assignments: Assignments,
        look: HarmTest.Look
    ) {
        self.experiment = experiment
        self.tick = tick
        self.tracks = tracks
        self.assignments = assignments
        self.look = look
        canaries = experiment.devices.indices.filter { experiment.devices[$0].isCanary }
        others = experiment.devices.indices.filter { !experiment.devices[$0].isCanary }
    }

    var commandedCount: Int { canaries.count { tracks[$0].commandedAt != nil } }

    var exposedCount: Int { canaries.count { tracks[$0].isExposed } }

    /// The evidence of each kind of event.
    var events: [EventJudgement] {
        EventKind.allCases.map { kind in
            EventJudgement(
                name: kind.rawValue, canaries: canaries.reduce(0) { $0 + kind.count(tracks[$1]) },
                others: others.reduce(0) { $0 + kind.count(tracks[$1]) },
                evidence: look.rows.first { $0.metric == kind.rawValue }?.evidence ?? 0)
        }
    }

    /// How many times likelier an event is on canaries; half an event is added to each arm, so that zero is ordinary.
    func eventEffect(_ name: String) -> Double {
        guard let kind = EventKind(rawValue: name) else { return 1 }
        let canary = (Double(canaries.reduce(0) { $0 + kind.count(tracks[$1]) }) + 0.5) / (Double(canaries.count) + 1)
        let other = (Double(others.reduce(0) { $0 + kind.count(tracks[$1]) }) + 0.5) / (Double(others.count) + 1)
        return canary / other
    }

    /// A class of canaries.
    struct LabelValue {
        let name: String
        let devices: Set<Int>
    }

    /// The label values with at least five canaries, in a fixed order.
    var classes: [LabelValue] {
        var groups: [String: Set<Int>] = [:]
        for index in experiment.devices.indices {
            for (key, value) in experiment.devices[index].labels {
                groups["\(key)=\(value)", default: []].insert(index)
            }
        }
        let canaries = Set(canaries)
        return groups.filter { $0.value.intersection(canaries).count >= 5 }
            .map { LabelValue(name: $0.key, devices: $0.value) }.sorted { $0.name < $1.name }
    }

    /// The share of assignments whose sum over a class is at least as large as the observed one.
    func rank(of row: ScoreRow, within devices: Set<Int>) -> Double {
        let sums = assignments.sums(of: row.indices.map { devices.contains($0) ? row[$0] : 0 })
        return Double(sums.count { $0 >= sums[0] }) / Double(sums.count)
    }

    /// The class of canaries that carries a metric's harm, where one is clearly worse than chance and not simply
    /// everyone.
    func suspect(_ metric: MetricFold?) -> String? {
        guard let metric else { return nil }
        let row = metric.scores.likelihood(ratio: 1.5)
        let ranked = classes.filter { $0.devices.count < experiment.devices.count }
            .map { (name: $0.name, rank: rank(of: row, within: $0.devices)) }
        guard let worst = ranked.min(by: { $0.rank < $1.rank }), worst.rank < 0.01, ranked.count > 1,
            ranked.contains(where: { $0.rank > 0.1 })
        else { return nil }
        return worst.name
    }
}

import CanaryAnalysis

/// A step's record with one thing changed.
extension DecisionReplay.Step {
    /// The tolerated ratios that people use.
    private static let ratios = [1.05, 1.1, 1.25, 1.5, 2, 3, 5]

    /// Without some devices; nil where an arm would be empty.
    func dropping(_ isDropped: (ExperimentDevice) -> Bool) -> DecisionReplay.Step? {
        var changed = self
        var places: [Int: Int] = [:]
        changed.experiment.devices = []
        for (place, device) in experiment.devices.enumerated() where !isDropped(device) {
            places[place] = changed.experiment.devices.count
            changed.experiment.devices.append(device)
        }
        let canaries = changed.experiment.canaries
        guard canaries > 0, canaries < changed.experiment.devices.count else { return nil }
        changed.experiment.renumberStrata()
        changed.rows = rows.map { row in
            TickEvidence(
                observations: row.observations.compactMap { one in
                    places[one.device].map { place in
                        var moved = one
                        moved.device = place
                        return moved
                    }
                })
        }
        return changed
    }

    /// With so many times the error budget.
    func spending(times factor: Double) -> DecisionReplay.Step {
        var changed = self
        changed.experiment.plan.share = min(0.5, experiment.plan.share * factor)
        changed.experiment.plan.updateShare = min(0.5, experiment.plan.updateShare * factor)
        return changed
    }

    /// With the tolerance of every guarded metric one step wider or narrower.
    func tolerating(more isWider: Bool) -> DecisionReplay.Step {
        var changed = self
        for index in experiment.metrics.indices where experiment.metrics[index].mode == .guard {
            switch experiment.metrics[index].margin {
            case .relative(let ratio):
                let next =
                    isWider ? Self.ratios.first { $0 > ratio + 1e-9 } : Self.ratios.last { $0 < ratio - 1e-9 }
                changed.experiment.metrics[index].margin = .relative(
                    next ?? (isWider ? ratio * 1.5 : 1 + (ratio - 1) / 2))
            case .absolute(let difference):
                changed.experiment.metrics[index].margin = .absolute(difference * (isWider ? 2 : 0.5))
            }
        }
        return changed
    }

    /// The place of a metric that is a share; nil for a mean, an event or an unknown name.
    func place(of metric: String) -> Int? {
        experiment.metrics.firstIndex { $0.name == metric && $0.kind == .share }
    }

    /// How many requests of canaries on the new version count as harm, and how many do not, by a tick.
    func canaryRoom(of metric: Int, until tick: Int) -> (bad: Int, good: Int) {
        var room = (bad: 0.0, good: 0.0)
        for row in rows.prefix(tick) {
            for one in row.observations where isCounted(one, metric) {
                let bad = harm(one.new[metric], of: metric)
                room.bad += bad
                room.good += one.new[metric].count - bad
            }
        }
        return (Int(room.bad), Int(room.good))
    }

    /// With so many harmful requests more (or, below zero, fewer) on canaries, spread over them as they are.
    func changing(_ metric: Int, by count: Int, until tick: Int) -> DecisionReplay.Step {
        let room = canaryRoom(of: metric, until: tick)
        let whole = Double(count < 0 ? room.bad : room.good)
        guard whole > 0 else { return self }
        let share = min(1, Double(abs(count)) / whole)
        var changed = self
        var seen = 0.0
        for row in rows.indices.prefix(tick) {
            for place in rows[row].observations.indices where isCounted(rows[row].observations[place], metric) {
                let tally = rows[row].observations[place].new[metric]
                let bad = harm(tally, of: metric)
                let before = (seen * share).rounded()
                seen += count < 0 ? bad : tally.count - bad
                let part = ((seen * share).rounded() - before) * (count < 0 ? -1 : 1)
                changed.rows[row].observations[place].new[metric].total +=
                    experiment.metrics[metric].harm == .down ? -part : part
            }
        }
        return changed
    }

    private func isCounted(_ one: DeviceObservation, _ metric: Int) -> Bool {
        experiment.devices.indices.contains(one.device) && experiment.devices[one.device].isCanary
            && metric < one.new.count
    }

    private func harm(_ tally: Tally, of metric: Int) -> Double {
        experiment.metrics[metric].harm == .down ? tally.count - tally.total : tally.total
    }
}

extension StepExperiment {
    /// Numbers the strata that are left from 0, without holes.
    fileprivate mutating func renumberStrata() {
        let left = Set(devices.map(\.stratum)).sorted()
        let numbers = Dictionary(uniqueKeysWithValues: left.enumerated().map { ($1, $0) })
        for index in devices.indices { devices[index].stratum = numbers[devices[index].stratum] ?? 0 }
    }
}

extension ExperimentDevice {
    /// Whether it carries the label of a class such as `hw=orin`.
    func isIn(class name: String) -> Bool {
        labels.contains { "\($0.key)=\($0.value)" == name }
    }
}

import RealModule

/// The conditions of promotion beside proof; all are looked at every tick, each alone can stop it.
struct Gates {
    let standings: [GateStanding]

    init(_ standing: Standing, metrics: [MetricFold]) {
        standings = [
            Self.soak(standing), Self.exposure(standing), Self.silence(standing, metrics), Self.completeness(standing),
            Self.concentration(standing, metrics),
        ]
    }

    private static func soak(_ standing: Standing) -> GateStanding {
        let needed = standing.experiment.plan.soakTicks
        let seconds = standing.experiment.tickSeconds
        return GateStanding(
            gate: .soak, isOpen: standing.tick >= needed,
            detail:
                "watched for \(Int(Double(standing.tick) * seconds)) s of a soak of \(Int(Double(needed) * seconds)) s")
    }

    /// At least 80 % of those who were commanded, and everyone commanded.
    private static func exposure(_ standing: Standing) -> GateStanding {
        let commanded = standing.commandedCount
        let isOpen = commanded == standing.canaries.count && Double(standing.exposedCount) >= 0.8 * Double(commanded)
        return GateStanding(
            gate: .exposure, isOpen: isOpen,
            detail:
                "\(standing.exposedCount) of \(standing.canaries.count) canaries run the new version; 80 % are needed")
    }

    /// Canaries silent now (swapping or not) or broken, against the same share of the others.
    private static func silence(_ standing: Standing, _ metrics: [MetricFold]) -> GateStanding {
        let brokenFrom = Double.log(1e6)
        let scores = metrics.map(\.scores)
        func isBad(_ device: Int) -> Bool {
            standing.tracks[device].silentFor >= DeviceTracks.silenceTicks
                || scores.contains { $0.logLikelihood(device, ratio: 3) > brokenFrom }
        }
        let canaries = standing.canaries.count(where: isBad)
        let others = standing.others.count(where: isBad)
        let share = standing.others.isEmpty ? 0 : Double(others) / Double(standing.others.count)
        let count = Double(standing.canaries.count)
        let allowed = share * count + max(0.02 * count, count < 50 ? 1 : 0)
        return GateStanding(
            gate: .silence, isOpen: Double(canaries) <= allowed,
            detail: "\(canaries) of \(standing.canaries.count) canaries are silent or broken, \(others) of "
                + "\(standing.others.count) others")
    }

    private static func completeness(_ standing: Standing) -> GateStanding {
        let row = standing.look.rows.first { $0.metric == EventKind.completeness.rawValue }
        let strayed = row?.standardised ?? 0
        return GateStanding(
            gate: .completeness, isOpen: strayed <= 2,
            detail:
                "canaries miss heartbeats \(figure(strayed)) standard deviations above chance; at most 2 "
                + "are let through"
        )
    }

    /// No label value with at least five canaries whose harm ranks among the top 5 % divided by the number of values.
    private static func concentration(_ standing: Standing, _ metrics: [MetricFold]) -> GateStanding {
        let classes = standing.classes
        let level = 0.05 / Double(max(1, classes.count))
        for metric in metrics where metric.plan.mode == .guard {
            let row = metric.scores.likelihood(ratio: 1.5)
            for one in classes where standing.rank(of: row, within: one.devices) <= level {
                return GateStanding(
                    gate: .concentration, isOpen: false,
                    detail: "\(metric.plan.name) are concentrated on canaries with \(one.name)")
            }
        }
        return GateStanding(gate: .concentration, isOpen: true, detail: "no class of canaries stands out")
    }
}

/// The conditions of promotion beside proof; all are looked at every tick, each alone can stop it.
struct Gates {
    let standings: [GateStanding]

    /// Looks at the gates of a tick; the last one, which costs most, only where everything else is met.
    init(_ standing: Standing, metrics: [MetricFold], isProven: Bool) {
        guard standing.experiment.plan.method != .absolute else {
            // Of one device nothing can be said against the others; the rules ask for more than the other gates.
            self.standings = [Self.soak(standing), Self.exposure(standing)]
            return
        }
        var standings = [
            Self.soak(standing), Self.exposure(standing), Self.silence(standing, metrics), Self.completeness(standing),
        ]
        let isReady = isProven && standings.allSatisfy(\.isOpen)
        standings.append(
            isReady
                ? Self.concentration(standing, metrics)
                : GateStanding(
                    gate: .concentration, isOpen: true, detail: "looked at once everything else is met"))
        self.standings = standings
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
        let broken = metrics.map(\.brokenDevices).filter { !$0.isEmpty }
        func isBad(_ device: Int) -> Bool {
            standing.tracks[device].silentFor >= DeviceTracks.silenceTicks || broken.contains { $0[device] }
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
        for metric in metrics where metric.plan.mode == .guard {
            guard let name = standing.concentration(of: metric.harmScores) else { continue }
            return GateStanding(
                gate: .concentration, isOpen: false,
                detail: "harm in \(metric.plan.name) is concentrated on canaries with \(name)")
        }
        return GateStanding(gate: .concentration, isOpen: true, detail: "no class of canaries stands out")
    }
}

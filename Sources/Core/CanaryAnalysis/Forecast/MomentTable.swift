/// The moments of every look: worked out at some, read off between them.
struct MomentTable {
    let looks: [LookMoments]

    init(_ scores: ScoreMoments, looks ticks: [Int]) {
        var known: [(ticks: Int, moments: LookMoments)] = []
        var looks: [LookMoments] = []
        looks.reserveCapacity(ticks.count)
        var next = 0.0
        for (index, tick) in ticks.enumerated() where Double(tick) >= next || index == ticks.count - 1 {
            known.append((tick, scores.moments(tick)))
            next = max(Double(tick) + 1, Double(tick) * 1.2)
        }
        var place = 0
        for tick in ticks {
            while place + 1 < known.count, known[place + 1].ticks <= tick { place += 1 }
            let (from, lower) = known[place]
            guard from < tick, place + 1 < known.count else {
                looks.append(lower)
                continue
            }
            let (to, upper) = known[place + 1]
            looks.append(lower.towards(upper, by: Double(tick - from) / Double(to - from)))
        }
        self.looks = looks
    }
}

extension RowMoments {
    fileprivate func towards(_ other: RowMoments, by share: Double) -> RowMoments {
        RowMoments(
            shift: shift + (other.shift - shift) * share,
            deviation: deviation + (other.deviation - deviation) * share,
            skewness: skewness + (other.skewness - skewness) * share)
    }
}

extension WindowMoments {
    fileprivate func towards(_ other: WindowMoments, by share: Double) -> WindowMoments {
        func mixed(_ path: KeyPath<WindowMoments, Double>) -> Double {
            self[keyPath: path] + (other[keyPath: path] - self[keyPath: path]) * share
        }
        return WindowMoments(
            fresh: mixed(\.fresh), lasting: mixed(\.lasting), shared: mixed(\.shared), own: mixed(\.own),
            weighted: weighted.towards(other.weighted, by: share), capped: capped.towards(other.capped, by: share),
            unit: mixed(\.unit))
    }
}

extension LookMoments {
    fileprivate func towards(_ other: LookMoments, by share: Double) -> LookMoments {
        LookMoments(
            sinceStart: sinceStart.towards(other.sinceStart, by: share),
            recent: recent.towards(other.recent, by: share))
    }
}

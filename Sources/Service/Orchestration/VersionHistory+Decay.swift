import Fleet
import Foundation

extension VersionHistory {
    /// The figures as they are worth at a later moment.
    func decayed(to now: Timestamp) -> VersionHistory {
        var later = self
        let factor = exp2(-max(0, now.seconds(since: at)) / Self.halfLifeSeconds)
        later.measured = measured.scaled(by: factor)
        later.at = max(at, now)
        return later
    }
}

extension StoredTelemetry {
    /// How many versions' histories a device keeps; the least recent is dropped.
    private static let historyLimit = 4

    /// Adds new counts to the history of their version.
    mutating func addHistory(_ fresh: RuntimeTotals, digest: Digest, at now: Timestamp) {
        var entry = history.first { $0.digest == digest }?.decayed(to: now) ?? VersionHistory(digest: digest, at: now)
        entry.measured.add(NamedMeasurements(fresh))
        history.removeAll { $0.digest == digest }
        history.append(entry)
        if history.count > Self.historyLimit { history.removeFirst() }
    }

    /// Takes back what late counts were taken for too much.
    mutating func discountHistory(_ discount: LateCounts.Discount, digest: Digest, at now: Timestamp) {
        guard let index = history.firstIndex(where: { $0.digest == digest }) else { return }
        let worth = exp2(-max(0, now.seconds(since: discount.countedAt)) / VersionHistory.halfLifeSeconds)
        var entry = history[index].decayed(to: now)
        entry.measured.subtract(discount.measured.scaled(by: worth))
        history[index] = entry
    }

    /// The history on a version, as it is worth now; nothing where there is none.
    func history(on digest: Digest, at now: Timestamp) -> NamedMeasurements {
        history.first { $0.digest == digest }?.decayed(to: now).measured ?? NamedMeasurements()
    }
}

import Fleet
import WireFormat

/// What the controller's memory holds of one device between two ticks.
///
/// Running totals make the order and number of heartbeats unimportant: counts are what totals rise above the ledger,
/// once. Everything else (what runs, problems, sequence) is taken from the newest heartbeat alone.
struct LiveDevice: Sendable {
    var telemetry: StoredTelemetry
    var status = DeviceStatus()
    var guidance = DeviceGuidance()
    /// The newest heartbeat whose totals are stored for good.
    var committed: (boot: Int64, sequence: UInt64) = (0, 0)
    /// The newest heartbeat all of whose series were counted: one that lacked a base must not be acknowledged.
    private var counted: (boot: Int64, sequence: UInt64) = (0, 0)
    private var news = DeviceNews()
    private var changed = false
    /// What came late and whose times are not known yet.
    private var late: LateCounts?
    /// Which processes speak for the device.
    private var lineage = ProcessLineage()
    /// True until this controller has heard the device.
    private(set) var isUnheard = true

    init(_ device: DeviceID) {
        telemetry = StoredTelemetry(device: device)
    }

    mutating func take(_ heartbeat: Heartbeat, at now: Timestamp) -> HeartbeatReply {
        let isNewest = (heartbeat.boot, heartbeat.sequence) > (telemetry.boot, telemetry.sequence)
        let awaySince = isNewest ? LateCounts.awaySince(telemetry.lastHeartbeatAt, heartbeat, at: now) : nil
        if let awaySince { late = LateCounts(since: awaySince, countedAt: now, sentAt: heartbeat.sentAt) }
        var wantsBase = false
        for report in heartbeat.series {
            let isCounted = count(report, of: heartbeat, isNewest: isNewest, at: now)
            if !isCounted { wantsBase = true }
        }
        if isNewest {
            adopt(heartbeat, at: now)
            if !wantsBase { counted = (heartbeat.boot, heartbeat.sequence) }
        }
        changed = true
        let number = lineage.take(heartbeat, at: now)
        var reply = HeartbeatReply(
            committedThrough: committed.boot == heartbeat.boot ? committed.sequence : 0,
            assignment: guidance.assignment, intervalSeconds: guidance.intervalSeconds, wantsBase: wantsBase,
            historySince: late?.series.isEmpty == false ? awaySince : nil, now: now.milliseconds)
        reply.number = number
        return reply
    }

    /// What is known of the device's processes is forgotten: a person decided which of two machines it is.
    mutating func forgetProcesses() { lineage = ProcessLineage() }

    /// Takes in when a series counted what came late; returns how many points there were to learn from.
    ///
    /// Counts are not changed by it: what is older is worth less in the device's history, and that is put right.
    mutating func take(_ upload: HistoryUpload, at now: Timestamp) -> Int {
        guard let told = late?.take(upload) else { return 0 }
        telemetry.discountHistory(told, digest: upload.series.digest, at: now)
        changed = true
        return told.points
    }

    mutating func drain(at now: Timestamp) -> DrainedDevice? {
        guard changed else { return nil }
        let drained = DrainedDevice(
            telemetry: telemetry, status: status, news: news, counted: counted, twin: lineage.twin)
        news = DeviceNews()
        changed = false
        return drained
    }

    mutating func restore(_ drained: DrainedDevice) {
        news.add(drained.news)
        changed = true
    }

    /// Counts a series once; false when its base must be known first.
    ///
    /// A series that started before this boot of the agent and is unknown here may have been counted by an earlier life
    /// of the controller: only the device can tell how far. An old heartbeat that names an unknown series is not asked:
    /// that series was finished and forgotten.
    private mutating func count(
        _ report: SeriesReport, of heartbeat: Heartbeat, isNewest: Bool, at now: Timestamp
    ) -> Bool {
        let isKnown = telemetry.ledger.totals[report.series] != nil
        guard isKnown || isNewest else { return true }
        guard isKnown || report.base != nil || report.start >= heartbeat.boot else { return false }
        let fresh = telemetry.ledger.absorb(report.series, reported: report.totals, base: report.base)
        let gaps = telemetry.ledger.absorb(report.series, gaps: report.gaps)
        if gaps > 0 {
            news.gaps += gaps
            changeLifetime(report.digest) { $0.gaps += gaps }
        }
        guard !fresh.isZero else { return true }
        let version = RuntimeVersion(model: report.model, digest: report.digest)
        news.counts[version, default: RuntimeTotals()] = (news.counts[version] ?? RuntimeTotals()).adding(fresh)
        if report.start < heartbeat.boot || !isNewest { news.lateSeries += 1 }
        late?.counted(report.series, fresh, at: now)
        changeLifetime(report.digest) { $0.totals = $0.totals.adding(fresh) }
        telemetry.addHistory(fresh, digest: report.digest, at: now)
        return true
    }

    private mutating func changeLifetime(_ digest: Digest, _ change: (inout VersionTotals) -> Void) {
        let index = telemetry.lifetime.firstIndex { $0.digest == digest } ?? telemetry.lifetime.count
        if index == telemetry.lifetime.count {
            telemetry.lifetime.append(VersionTotals(digest: digest, totals: RuntimeTotals()))
        }
        change(&telemetry.lifetime[index])
    }

    /// Takes over what the newest heartbeat says about the device itself.
    private mutating func adopt(_ heartbeat: Heartbeat, at now: Timestamp) {
        telemetry.boot = heartbeat.boot
        telemetry.sequence = heartbeat.sequence
        telemetry.lastHeartbeatAt = now
        news.heartbeats += 1
        isUnheard = false
        status.lastHeartbeatAt = now
        status.slots = heartbeat.slots
        status.problems = heartbeat.problems
        status.keySet = heartbeat.keySet
        status.intervalSeconds = guidance.intervalSeconds
        status.updatingUntil = heartbeat.updatingUntil.map { until in
            let ahead = min(1_800_000, max(0, until - heartbeat.sentAt))
            return Timestamp(milliseconds: now.milliseconds + ahead)
        }
        for slot in heartbeat.slots { countEvents(of: slot) }
        forgetFinished(reported: Set(heartbeat.series.map(\.series)), boot: heartbeat.boot)
    }

    private mutating func countEvents(of slot: SlotStatus) {
        let crashes = telemetry.crashes[slot.model] ?? 0
        if slot.crashes > crashes {
            news.crashes[slot.model, default: 0] += slot.crashes - crashes
            telemetry.crashes[slot.model] = slot.crashes
        }
        let failedStarts = telemetry.failedStarts[slot.model] ?? 0
        if slot.failedStarts > failedStarts {
            news.failedStarts[slot.model, default: 0] += slot.failedStarts - failedStarts
            telemetry.failedStarts[slot.model] = slot.failedStarts
        }
    }

    /// A device leaves a series out only once it knows it to be committed, so it will never name it again.
    private mutating func forgetFinished(reported: Set<RuntimeSeries>, boot: Int64) {
        for series in telemetry.ledger.totals.keys where !reported.contains(series) {
            telemetry.ledger.forget(series)
        }
    }
}

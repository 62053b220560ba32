internal import CanaryAnalysis
internal import RecordedFleets

/// Judges one trace from wherever its bytes come from.
struct TraceReplay {
    let policy: RecordedPolicy
    let listener: TraceDirectory.Listener
    let devicesName: String
    let observationsName: String
    let openDevices: () throws(TraceFault) -> any ByteSource
    let openObservations: () throws(TraceFault) -> any ByteSource

    /// What the trace comes to.
    ///
    /// - Throws: ``TraceFault`` for the first thing that is wrong.
    func outcome() throws(TraceFault) -> RecordingOutcome {
        var observations = try opened()
        let list = try DeviceFile(
            try openDevices(), file: devicesName, observed: observations.columns, unitLabel: policy.unitLabel)
        for warning in list.warnings + observations.warnings { listener.warned(warning) }
        observations.columns.align(to: list.names)
        let fleet = RecordedFleet(devices: list.devices, names: list.names, policy: policy)
        if let outcome = try streamed(&observations, fleet, list.index) { return outcome }
        listener.restarted()
        listener.warned("\(observationsName): the rows are not sorted by time; they are sorted in memory")
        observations = try opened()
        observations.columns.align(to: list.names)
        return try sorted(&observations, fleet, list.index)
    }

    private func opened() throws(TraceFault) -> ObservationFile {
        try ObservationFile(try openObservations(), file: observationsName)
    }

    /// Judges row by row; nil where a row is earlier than the tick before.
    private func streamed(
        _ observations: inout ObservationFile, _ fleet: RecordedFleet, _ index: DeviceIndex
    ) throws(TraceFault) -> RecordingOutcome? {
        let isJudged = fleet.devices.map { $0.arm != .outside }
        var feed = TickFeed(fleet, judged: listener.judged)
        var readBytes = 0
        while try observations.next(index) {
            if observations.readBytes != readBytes {
                listener.advanced(UInt64(observations.readBytes - readBytes))
                readBytes = observations.readBytes
            }
            guard let tick = feed.tick(of: observations.time) else { throw Self.tooLate(observations) }
            guard feed.go(to: tick) else { return nil }
            if isJudged[observations.device] { feed.add(observations.row) }
        }
        feed.finish()
        return feed.judge.outcome
    }

    private func sorted(
        _ observations: inout ObservationFile, _ fleet: RecordedFleet, _ index: DeviceIndex
    ) throws(TraceFault) -> RecordingOutcome {
        var feed = TickFeed(fleet, judged: listener.judged)
        let rows = try RowStore(&observations, index)
        let last = observations
        try rows.forEachByTime { (time, row) throws(TraceFault) in
            guard let tick = feed.tick(of: time) else { throw Self.tooLate(last) }
            _ = feed.go(to: tick)
            feed.add(row)
        }
        feed.finish()
        return feed.judge.outcome
    }

    private static func tooLate(_ observations: ObservationFile) -> TraceFault {
        observations.fault(
            "time \(observations.time) is more than \(TickFeed.tickLimit) ticks from the rollout's start; write "
                + "seconds since that start, not since 1970 and not milliseconds")
    }
}

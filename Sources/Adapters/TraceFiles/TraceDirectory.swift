public import RecordedFleets

/// A recorded fleet on disk: `devices.csv`, `observations.csv` and, if it has one, `policy.yaml`.
public struct TraceDirectory: Hashable, Sendable {
    /// Its path, as given.
    public let path: String

    /// Names a directory.
    public init(path: String) {
        self.path = path
    }

    /// The traces that a path stands for: itself, or all directories in it that hold a trace, sorted.
    public static func all(in path: String) -> [TraceDirectory] {
        let own = TraceDirectory(path: path)
        guard FileSystem.size(own.file("devices.csv")) == nil else { return [own] }
        let inner = FileSystem.names(in: path).map { TraceDirectory(path: own.file($0)) }
            .filter { FileSystem.size($0.file("devices.csv")) != nil }
        return inner.isEmpty ? [own] : inner
    }

    /// The path of one of its files.
    public func file(_ name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }

    /// The size of its observations in bytes; 0 where there are none.
    public var sizeBytes: UInt64 { FileSystem.size(file("observations.csv")) ?? 0 }

    /// What somebody is told while a trace is judged.
    public struct Listener {
        /// Something was left out: a sentence.
        public var warned: (String) -> Void
        /// So many bytes of observations were read since the last call.
        public var advanced: (UInt64) -> Void
        /// A tick ended at a time, in seconds since the rollout's start.
        public var judged: (Double, [RecordingJudge.StepTick]) -> Void
        /// The rows are not sorted: everything starts anew, what was judged until now does not count.
        public var restarted: () -> Void

        /// Listens; to nothing by default.
        public init(
            warned: @escaping (String) -> Void = { _ in }, advanced: @escaping (UInt64) -> Void = { _ in },
            judged: @escaping (Double, [RecordingJudge.StepTick]) -> Void = { _, _ in },
            restarted: @escaping () -> Void = {}
        ) {
            self.warned = warned
            self.advanced = advanced
            self.judged = judged
            self.restarted = restarted
        }
    }

    /// Judges it.
    ///
    /// The observations are read once and never held in memory where they are sorted by time.
    ///
    /// - Throws: ``TraceFault`` for the first thing that is wrong in its files.
    public func judge(
        by policy: RecordedPolicy, _ listener: Listener = Listener()
    ) throws(TraceFault)
        -> RecordingOutcome
    {
        try TraceReplay(
            policy: policy, listener: listener, devicesName: file("devices.csv"),
            observationsName: file("observations.csv"),
            openDevices: { () throws(TraceFault) in try FileBytes(path: file("devices.csv")) },
            openObservations: { () throws(TraceFault) in try FileBytes(path: file("observations.csv")) }
        ).outcome()
    }
}

public import Fleet

/// What a device says at every heartbeat: flat, mostly numbers, at most 1 KB as JSON.
public struct Heartbeat: Codable, Hashable, Sendable {
    /// When the agent started, milliseconds since 1970 on the device's clock; larger after each restart of the agent,
    /// even where the clock went back.
    public var boot: Int64
    /// Counts this boot's heartbeats from 1.
    public var sequence: UInt64
    /// When it was sent, milliseconds since 1970 on the device's clock.
    public var sentAt: Int64
    /// The number of the newest assignment the device has accepted; 0 for none.
    public var assignment: UInt64
    /// What each model slot serves.
    public var slots: [SlotStatus]
    /// Running totals of every series that is not acknowledged in full.
    public var series: [SeriesReport]
    /// Until when an announced update may keep the device silent, milliseconds since 1970 on the device's clock.
    public var updatingUntil: Int64?
    /// Health problems by their reason, such as `disk_full`; empty when healthy.
    public var problems: [String]
    /// The number of the publishers' key set that the device follows, 0 before the first; nil from an older agent.
    public var keySet: UInt64?
    /// The number of the newest reply that this process got, 0 before the first; nil from an older agent.
    ///
    /// A process that has ended cannot have got a reply that was given after its successor spoke: one that has is
    /// another machine.
    public var heard: UInt64?

    /// Makes a heartbeat.
    public init(
        boot: Int64, sequence: UInt64, sentAt: Int64, assignment: UInt64, slots: [SlotStatus] = [],
        series: [SeriesReport] = [], updatingUntil: Int64? = nil, problems: [String] = [], keySet: UInt64? = nil,
        heard: UInt64? = nil
    ) {
        self.heard = heard
        self.boot = boot
        self.sequence = sequence
        self.sentAt = sentAt
        self.assignment = assignment
        self.slots = slots
        self.series = series
        self.updatingUntil = updatingUntil
        self.problems = problems
        self.keySet = keySet
    }
}

/// What one model slot of a device serves right now.
public struct SlotStatus: Codable, Hashable, Sendable {
    /// The model.
    public var model: ModelName
    /// The digest of the version the runtime serves; nil when it serves none.
    public var digest: Digest?
    /// The update step the slot is in, such as `download`; nil when idle.
    public var step: String?
    /// Whether the runtime answers its health check.
    public var healthy: Bool
    /// Unwanted ends of the runtime's process since the agent's first start; never falls.
    public var crashes: UInt64
    /// Starts of a runtime that did not become healthy in time since the agent's first start; never falls.
    public var failedStarts: UInt64

    /// Makes a slot's status.
    public init(
        model: ModelName, digest: Digest?, step: String? = nil, healthy: Bool, crashes: UInt64 = 0,
        failedStarts: UInt64 = 0
    ) {
        self.model = model
        self.digest = digest
        self.step = step
        self.healthy = healthy
        self.crashes = crashes
        self.failedStarts = failedStarts
    }
}

/// The running totals of one series.
public struct SeriesReport: Codable, Hashable, Sendable {
    /// The model.
    public var model: ModelName
    /// The digest of the version that was served.
    public var digest: Digest
    /// When the runtime's process started; see ``RuntimeSeries``.
    public var start: Int64
    /// The totals now.
    public var totals: RuntimeTotals
    /// The totals the device knows to be counted for good; sent when the controller asked for it or after the agent
    /// started.
    public var base: RuntimeTotals?
    /// How often the runtime ended after its last scrape, with requests that nobody may have counted: named, not
    /// guessed.
    public var gaps: UInt64

    /// Makes a report.
    public init(
        series: RuntimeSeries, totals: RuntimeTotals, base: RuntimeTotals? = nil, gaps: UInt64 = 0
    ) {
        model = series.model
        digest = series.digest
        start = series.start
        self.totals = totals
        self.base = base
        self.gaps = gaps
    }

    /// Which series it is.
    public var series: RuntimeSeries { RuntimeSeries(model: model, digest: digest, start: start) }
}

/// What the controller answers.
public struct HeartbeatReply: Codable, Hashable, Sendable {
    /// The newest heartbeat of this boot whose totals are stored for good; 0 for none yet.
    ///
    /// Only a tick's commit moves it.
    public var committedThrough: UInt64
    /// The number of the device's newest assignment; a larger one than the device has means: fetch it.
    public var assignment: UInt64
    /// Seconds until the next heartbeat should be sent.
    public var intervalSeconds: Double
    /// The controller does not know the device's series and asks for their base.
    public var wantsBase: Bool
    /// The device was away since then (milliseconds since 1970 on the device's clock) and is asked when it counted what
    /// it tells now; nil where nothing came late.
    public var historySince: Int64?
    /// The number of the newest key set of the publishers; nil where there is none.
    ///
    /// A larger one than the device follows means: fetch it.
    public var keySet: UInt64?
    /// Numbers the replies to this device, growing; the next heartbeat repeats it as `heard`.
    public var number: UInt64?
    /// Why the device gets no new versions; nil for a device in good standing.
    public var standing: DeviceStanding?
    /// The controller's time, milliseconds since 1970.
    public var now: Int64

    /// Makes a reply.
    public init(
        committedThrough: UInt64, assignment: UInt64, intervalSeconds: Double, wantsBase: Bool = false,
        historySince: Int64? = nil, keySet: UInt64? = nil, now: Int64
    ) {
        self.committedThrough = committedThrough
        self.assignment = assignment
        self.intervalSeconds = intervalSeconds
        self.wantsBase = wantsBase
        self.historySince = historySince
        self.keySet = keySet
        self.now = now
    }
}

/// Points of a device's ring: what it had counted at earlier times, sent only when asked for.
public struct HistoryUpload: Codable, Hashable, Sendable {
    /// One point of the ring.
    public struct Point: Codable, Hashable, Sendable {
        /// Milliseconds since 1970 on the device's clock.
        public var at: Int64
        /// The totals then.
        public var totals: RuntimeTotals

        /// Makes a point.
        public init(at: Int64, totals: RuntimeTotals) {
            self.at = at
            self.totals = totals
        }
    }

    /// The most points of one upload.
    public static let pointLimit = 500

    /// The series.
    public var series: RuntimeSeries
    /// Sorted by time, at most ``pointLimit``.
    public var points: [Point]

    /// Makes an upload.
    public init(series: RuntimeSeries, points: [Point]) {
        self.series = series
        self.points = points
    }
}

public import DeviceUpdates
public import Fleet

/// What the agent is told: once, whole.
public struct AgentSettings: Hashable, Sendable {
    /// Who the device is.
    public var device: DeviceID
    /// Its model slot.
    public var model: ModelName
    /// The runtime of the slot.
    public var runtime: RuntimeSettings
    /// The agent's version.
    public var agentVersion: String
    /// What must stay free on the disk, bytes.
    public var reserveBytes: UInt64
    /// How long a new version is on probation, seconds.
    public var probationSeconds: UInt32
    /// Tries in a row that bring nothing, per fetched file or description; a controller that is away uses up none.
    public var fetchTries: Int
    /// When files may be fetched; nil for always.
    public var downloadWindow: DailyWindow?
    /// The processor architecture, as `x86_64`; compared with what versions need.
    public var architecture: String

    /// Makes settings.
    public init(
        device: DeviceID, model: ModelName, runtime: RuntimeSettings, agentVersion: String,
        reserveBytes: UInt64 = 64 << 20, probationSeconds: UInt32 = 30, fetchTries: Int = 8,
        architecture: String = "", downloadWindow: DailyWindow? = nil
    ) {
        self.device = device
        self.model = model
        self.runtime = runtime
        self.agentVersion = agentVersion
        self.reserveBytes = reserveBytes
        self.probationSeconds = probationSeconds
        self.fetchTries = fetchTries
        self.architecture = architecture
        self.downloadWindow = downloadWindow
    }
}

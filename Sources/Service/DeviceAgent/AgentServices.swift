/// Everything outside of the agent that its use cases need.
public struct AgentServices: Sendable {
    /// The disk.
    public let files: any DurableFiles
    /// The controller.
    public let controller: any ControllerClient
    /// Trust decisions.
    public let verifier: any VersionVerifying
    /// The runtime's endpoints.
    public let probe: any RuntimeProbing
    /// Processes.
    public let launcher: any ProcessLaunching
    /// Time.
    public let clock: any AgentClock
    /// Chance.
    public let chance: any ChanceSource
    /// What can be seen of processes and of the device.
    public let sensors: any DeviceSensing
    /// Events.
    public let log: any AgentLog
    /// Fault injection.
    public let killSwitch: any KillSwitch

    /// Gathers the services.
    public init(
        files: any DurableFiles, controller: any ControllerClient, verifier: any VersionVerifying,
        probe: any RuntimeProbing, launcher: any ProcessLaunching, clock: any AgentClock, chance: any ChanceSource,
        log: any AgentLog, sensors: any DeviceSensing = NoSensors(), killSwitch: any KillSwitch = NoKillSwitch()
    ) {
        self.files = files
        self.controller = controller
        self.verifier = verifier
        self.probe = probe
        self.launcher = launcher
        self.clock = clock
        self.chance = chance
        self.log = log
        self.sensors = sensors
        self.killSwitch = killSwitch
    }
}

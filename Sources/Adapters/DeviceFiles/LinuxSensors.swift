public import DeviceAgent
internal import Fleet
internal import Glibc

/// What Linux shows in `/proc` and `/sys`.
///
/// Source: `proc_pid_statm(5)`; the kernel's documentation, "Thermal", Generic sysfs driver.
public struct LinuxSensors: DeviceSensing {
    /// More zones than devices have.
    private static let zoneLimit = 64
    /// What a thermometer that works shows, in degrees Celsius; others show 0 K or less.
    private static let plausibleCelsius = -60.0...200.0

    private let root: String

    /// Reads below a root, which is `/` but in tests.
    public init(root: String = "") {
        self.root = root
    }

    /// The resident set of a process.
    public func residentBytes(of process: Int32) -> UInt64? {
        guard let text = text(of: "/proc/\(process)/statm") else { return nil }
        let pages = text.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }
        let pageBytes = UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))
        return pages.map { $0 * pageBytes }
    }

    /// The hottest thermal zone.
    public func temperatureCelsius() -> Double? {
        var hottest: Double?
        for zone in 0..<Self.zoneLimit {
            let directory = "/sys/class/thermal/thermal_zone\(zone)"
            guard text(of: directory + "/type") != nil else { break }
            guard let thousandths = text(of: directory + "/temp").flatMap({ Double($0) }),
                Self.plausibleCelsius.contains(thousandths / 1000)
            else { continue }
            hottest = max(hottest ?? thousandths / 1000, thousandths / 1000)
        }
        return hottest
    }

    /// A small file's first line; nil where it cannot be read: a sensor that is not there is no fault.
    private func text(of path: String) -> String? {
        guard let bytes = (try? ReadOnlyState.read(root + path)) ?? nil else { return nil }
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }
}

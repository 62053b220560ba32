import Foundation

/// What something that is done for a large fleet costs, on one core: processor time, which other work on the machine
/// hardly changes.
public struct CostFigure: Sendable {
    /// What was measured.
    public enum Subject: String, Sendable {
        /// A tick of one step of 5 %.
        case five
        /// A tick of steps of 5, 25 and 50 %, judged at once.
        case ramp
        /// A tick of steps of 5, 25, 50 and 90 % and the watch over the rest, judged at once.
        case watch
        /// A forecast of the default policy.
        case forecast

        /// The same in a few words.
        public var title: String {
            switch self {
            case .five: "a tick, 5 %"
            case .ramp: "a tick, 5, 25 and 50 % at once"
            case .watch: "a tick, 5, 25, 50 and 90 % and the watch at once"
            case .forecast: "a forecast of the default policy"
            }
        }
    }

    /// What was measured.
    public let subject: Subject
    /// Devices.
    public let devices: Int
    /// How often it was done.
    public let times: Int
    /// The longest time, in seconds of a processor.
    public let worstSeconds: Double
    /// The middle time, in seconds of a processor.
    public let medianSeconds: Double
    /// The largest resident size of the process so far, in MiB.
    public let peakMebibytes: Double

    /// Collects times in seconds, at least one.
    init(_ subject: Subject, devices: Int, seconds: [Double]) {
        let sorted = seconds.sorted()
        self.subject = subject
        self.devices = devices
        times = sorted.count
        worstSeconds = sorted.last ?? 0
        medianSeconds = sorted[sorted.count / 2]
        peakMebibytes = Self.peakOfProcess()
    }

    /// The processor time that this process takes for something, in seconds.
    static func seconds(of work: () -> Void) -> Double {
        // POSIX counts a million to the second.
        let start = clock()
        work()
        return 1e-6 * Double(clock() - start)
    }

    /// The largest resident size of this process so far, in MiB; 0 where the system does not say.
    private static func peakOfProcess() -> Double {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
        else { return 0 }
        return kibibytes / 1_024
    }
}

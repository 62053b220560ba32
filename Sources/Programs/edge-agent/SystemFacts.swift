import DeviceAgent
import DeviceFiles
import Fleet
import FoundationEssentials
import Logging

/// Facts of the machine that the program was built for.
enum SystemFacts {
    /// The processor architecture, as versions name it.
    static var architecture: String {
        #if arch(x86_64)
            "x86_64"
        #elseif arch(arm64)
            "aarch64"
        #elseif arch(arm)
            "armv7l"
        #else
            ""
        #endif
    }
}

/// The machine's clocks.
struct SystemClock: AgentClock {
    private static let origin = ContinuousClock.now

    init() { _ = Self.origin }

    var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    var uptimeSeconds: Double {
        let elapsed = Self.origin.duration(to: .now).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
    }

    var secondOfDay: Int {
        LocalTime.secondOfDay
    }

    func pause(seconds: Double) {
        Doorbell().wait(seconds: seconds)
    }
}

/// The machine's randomness.
struct SystemChance: ChanceSource {
    func next() -> Double { Double.random(in: 0..<1) }
}

/// Structured lines on standard error.
struct StandardErrorLog: AgentLog {
    private let logger: Logger

    init(_ logger: Logger) {
        self.logger = logger
    }

    func note(_ level: AgentLogLevel, _ event: String, _ details: [String: String]) {
        let metadata = details.filter { !$0.value.isEmpty }.mapValues { Logger.MetadataValue.string($0) }
        switch level {
        case .info: logger.info("\(event)", metadata: metadata)
        case .warning: logger.warning("\(event)", metadata: metadata)
        case .error: logger.error("\(event)", metadata: metadata)
        }
    }
}

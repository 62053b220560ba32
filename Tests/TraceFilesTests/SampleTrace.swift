import CanaryAnalysis
import RecordedFleets

@testable import TraceFiles

/// A small trace as text: 40 devices, the first eight of them canaries of step 1.
struct SampleTrace {
    var devices = "device,arm,step,commanded_at,exposed_at,stratum,history_requests,history_failures\n"
    var observations = "time,device,requests,failures\n"
    var policy = RecordedPolicy()
    var portion = 1_000

    /// What was heard while it was judged.
    final class Heard {
        var warnings: [String] = []
        var ticks: [(time: Double, ticks: [RecordingJudge.StepTick])] = []
        var bytes: UInt64 = 0
        var restarts = 0
    }

    /// Makes a trace in which canaries fail so often, in percent of their 50 requests a tick.
    init(canaryFailures: Int = 1, ticks: Int = 25) {
        for device in 0..<40 {
            let canary = device < 8
            devices += "d\(device),\(canary ? "canary,1,0,20" : "baseline,,,"),s\(device % 2),5000,100\n"
        }
        for tick in 1...ticks {
            for device in 0..<40 {
                let failures = device < 8 && tick > 1 ? canaryFailures : (tick * 7 + device * 3) % 5 == 0 ? 2 : 0
                observations += "\(tick * 30),d\(device),50,\(failures)\n"
            }
        }
    }

    func judged(_ heard: Heard = Heard()) throws(TraceFault) -> RecordingOutcome {
        let listener = TraceDirectory.Listener(
            warned: { heard.warnings.append($0) }, advanced: { heard.bytes += $0 },
            judged: { heard.ticks.append(($0, $1)) },
            restarted: {
                heard.ticks = []
                heard.restarts += 1
            })
        return try TraceReplay(
            policy: policy, listener: listener, devicesName: "devices.csv", observationsName: "observations.csv",
            openDevices: { MemoryBytes(devices, portion: portion) },
            openObservations: { MemoryBytes(observations, portion: portion) }
        ).outcome()
    }

    /// The devices as they were read, with the names of what is measured.
    func listed() throws(TraceFault) -> DeviceFile {
        let columns = try ObservationFile(MemoryBytes(observations), file: "observations.csv").columns
        return try DeviceFile(MemoryBytes(devices), file: "devices.csv", observed: columns)
    }

    /// The rows as they were read.
    func rows() throws(TraceFault) -> [RecordedRow] {
        let listed = try listed()
        var file = try ObservationFile(MemoryBytes(observations), file: "observations.csv")
        file.columns.align(to: listed.names)
        var rows: [RecordedRow] = []
        while try file.next(listed.index) { rows.append(file.row) }
        return rows
    }
}

// What counting one inference costs, beside a bare atomic addition on the same machine in the same run.
//
// It prints one line of JSON. With a number as its argument it only counts so many inferences; an allocation in a
// thousand of them would show as a difference between the allocations of a short and of a long run.

import EdgeOrchestrator
import Foundation
import Synchronization

let directory = FileManager.default.temporaryDirectory.appending(path: "record-\(UUID().uuidString)").path
try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(atPath: directory) }
// A device that is registered already, so that no controller is needed to count.
let membership = """
    {"controller": "http://127.0.0.1:1", "device": "bench", "deviceToken": "none", "assignmentKey": "",
     "publisherKeys": [], "lastStart": 0, "reports": 0}
    """
try Data(membership.utf8).write(to: URL(filePath: directory + "/bench.json"))
let device = try EdgeDevice(
    deviceID: "bench", orchestratorURL: "http://127.0.0.1:1", stateDirectory: directory)
try device.nowServing(model: "detector", digest: String(repeating: "ab", count: 32))

final class Peer: Sendable {
    let count = Atomic<UInt64>(0)
}

let peer = Peer()

/// Nanoseconds per call: the least of several rounds, as what else runs only ever adds.
func nanoseconds(_ calls: Int, threads: Int = 1, _ body: @escaping @Sendable (Int) -> Void) -> Double {
    var least = Double.infinity
    for _ in 0..<7 {
        let clock = ContinuousClock()
        let start = clock.now
        if threads == 1 {
            for index in 0..<calls { body(index) }
        } else {
            DispatchQueue.concurrentPerform(iterations: threads) { _ in
                for index in 0..<calls { body(index) }
            }
        }
        least = min(least, (clock.now - start) / .nanoseconds(1) / Double(calls))
    }
    return least
}

let record: @Sendable (Int) -> Void = { index in
    device.recordInference(
        latency: .microseconds(index & 0xFFFF), failure: index & 63 == 0 ? .timeout : nil, confidence: 0.9)
}

if CommandLine.arguments.count > 1, let calls = Int(CommandLine.arguments[1]) {
    for index in 0..<calls { record(index) }
} else {
    let atomic = nanoseconds(2_000_000) { _ in peer.count.wrappingAdd(1, ordering: .relaxed) }
    let one = nanoseconds(2_000_000, record)
    let two = nanoseconds(500_000, threads: 2, record)
    print(
        "{\"atomicAddNanoseconds\": \(atomic), \"recordNanoseconds\": \(one), "
            + "\"recordTwoThreadsNanoseconds\": \(two)}")
}

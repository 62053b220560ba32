import DeviceUpdates
import Fleet
import Synchronization
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// What goes wrong in a step by itself: errors, and waits that end at a deadline.
extension FaultMatrix {
    mutating func addErrors() throws {
        try addFetchErrors()
        try addServiceErrors()
    }

    private mutating func addFetchErrors() throws {
        let bench = try FaultBench(.update)
        let digest = bench.v2.digest
        let weights = bench.v2.resource.files.first { $0.path == "model.bin" }?.digest ?? digest
        let bytes = bench.v2.files[weights] ?? []
        let other = try TestVersion("v3.0.0", model: bench.device.model).resource
        add(bench, "check", "error: another version is told", .versionMismatch) {
            $0.controller.state.withLock { $0.versions[digest] = other }
        }
        add(bench, "check", "error: the version is unknown", .downloadFailed) {
            $0.controller.state.withLock { $0.versions[digest] = nil }
        }
        add(bench, "check", "error: too little room", .diskFull) { $0.disk.setFreeBytes(1000) }
        add(bench, "download", "error: a file is altered", .hashMismatch) {
            $0.controller.state.withLock { $0.files[weights] = [0] + bytes.dropFirst() }
        }
        add(bench, "download", "error: a file is too long", .hashMismatch) {
            $0.controller.state.withLock { $0.files[weights] = bytes + [1] }
        }
        add(bench, "download", "error: a file ends early", .downloadFailed) {
            $0.controller.state.withLock { $0.files[weights] = Array(bytes.dropLast()) }
        }
        add(bench, "download", "hang: each answer takes an hour", .downloadFailed) { device in
            let (controller, clock) = (device.controller, device.clock)
            device.whenever(in: "download") { controller.state.withLock { $0.isAway = true } }
            device.whenever(in: "download") { clock.pause(seconds: 3600) }
        }
        let foreign = try FaultBench(.update, needs: "riscv64")
        add(foreign, "verify", "error: it is for another machine", .incompatible) { $0.architecture = "aarch64" }
    }

    private mutating func addServiceErrors() throws {
        let bench = try FaultBench(.update)
        let (old, new) = (bench.v1, bench.v2.digest)
        add(bench, "backup", "error: the backup is damaged", .backupMissing, damages: true) { device in
            let (disk, path) = (device.disk, StateLayout(model: device.model).version(old.digest) + "/model.bin")
            device.whenever(in: "backup") { disk.damage(path) }
        }
        add(bench, "deploy", "error: the runtime refuses it", .runtimeUnhealthy) { device in
            device.runtime.state.withLock { _ = $0.refused.insert(new) }
        }
        add(bench, "probation", "error: the runtime crashes three times", .runtimeCrashed) { device in
            device.runtime.state.withLock { _ = $0.unstable.insert(new) }
        }
        add(bench, "probation", "hang: the runtime stays ill until the deadline", .runtimeUnhealthy) { device in
            device.runtime.state.withLock { $0.healthyFor[new] = 6 }
        }
        let golden = try FaultBench(.update, hasGolden: true)
        add(golden, "smoke", "error: no answer", .smokeFailed) { _ in }
        add(golden, "smoke", "error: a wrong answer", .smokeFailed) { $0.probe.set("/infer", 200, #"{"y": 2.2}"#) }
        add(golden, "smoke", "error: the runtime answers with an error", .smokeFailed) {
            $0.probe.set("/infer", 500, "")
        }
    }

    private mutating func add(
        _ bench: FaultBench, _ state: String, _ fault: String, _ reason: FailureReason,
        damages: Bool = false, _ arrange: @escaping (Device) -> Void
    ) {
        var expected = Prediction(bench)
        expected.goOn(to: state)
        expected.feed(reason == .runtimeCrashed ? .runtimeUnstable(bench.local) : .stepFailed(reason))
        expected.goOn()
        append(
            FaultCase(bench: bench, state: state, fault: fault, expected: expected, damages: damages, arrange: arrange))
    }
}

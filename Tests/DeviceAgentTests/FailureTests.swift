import DeviceUpdates
import Fleet
import ModelTrust
import Synchronization
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// What can go wrong in each step: the device stays on what it ran and says once why.
@Suite struct FailureTests {
    /// One thing that goes wrong with the update from v1 to v2.
    enum Failure: CaseIterable {
        case otherDigest, otherSignature, missingFile, noRoom
        case truncated, longer, altered, fullWhileFetching
        case unmetNeeds
        case damagedBackup
        case neverHealthy
        case wrongAnswer, slowAnswer, noAnswer, unreadableGolden
        case crashesOnProbation, fallsIllOnProbation

        /// What is reported: the step, the reason, and how the attempt stands.
        var expected: (step: String, reason: String, outcome: AttemptReport.Outcome) {
            switch self {
            case .otherDigest, .missingFile: ("check", "version_mismatch", .rejected)
            case .otherSignature: ("check", "signature_invalid", .rejected)
            case .noRoom: ("check", "disk_full", .failed)
            case .truncated: ("download", "download_failed", .failed)
            case .longer, .altered: ("download", "hash_mismatch", .failed)
            case .fullWhileFetching: ("download", "disk_full", .failed)
            case .unmetNeeds: ("verify", "incompatible", .failed)
            case .damagedBackup: ("backup", "backup_missing", .failed)
            case .neverHealthy: ("deploy", "runtime_unhealthy", .failed)
            case .wrongAnswer, .slowAnswer, .noAnswer, .unreadableGolden: ("smoke", "smoke_failed", .failed)
            case .crashesOnProbation: ("probation", "runtime_crashed", .failed)
            case .fallsIllOnProbation: ("probation", "runtime_unhealthy", .failed)
            }
        }

        /// Whether the version itself is to blame: then it is shut out.
        var blamesVersion: Bool { FailureReason(rawValue: expected.reason)?.blamesVersion ?? false }

        /// Files of v2 beside its weights.
        var files: [String: [UInt8]] {
            switch self {
            case .wrongAnswer, .noAnswer: ["golden.json": Array(FailureTests.golden.utf8)]
            case .slowAnswer:
                [
                    "golden.json": Array(
                        FailureTests.golden.replacing("{\"cases\"", with: "{\"latencyBudgetMs\":5,\"cases\"").utf8)
                ]
            case .unreadableGolden: ["golden.json": Array("[]".utf8)]
            default: [:]
            }
        }
    }

    static let golden = #"{"cases":[{"path":"/infer","body":{"x":1},"expect":{"y":2},"tolerance":0.1}]}"#

    private func settled() throws -> (Device, TestVersion) {
        let device = try Device()
        let v1 = try TestVersion("v1.0.0", model: device.model)
        device.controller.offer(v1)
        device.order(1, run: v1, fallback: nil)
        try device.work()
        return (device, v1)
    }

    @Test("whatever fails, the device stays on what it ran and says once why", arguments: Failure.allCases)
    func failure(_ failure: Failure) throws {
        let (device, v1) = try settled()
        let v2 = try TestVersion(
            "v2.0.0", model: device.model, extra: failure.files,
            architecture: failure == .unmetNeeds ? "riscv64" : nil)
        device.controller.offer(v2)
        try arrange(failure, device, v1, v2)
        device.order(2, run: v2, fallback: v1)
        try device.work()
        let outcomes = device.controller.outcomes.filter { $0.assignment == 2 }
        #expect(outcomes.count == 1)
        let outcome = try #require(outcomes.first)
        #expect(outcome.step == failure.expected.step)
        #expect(outcome.reason == failure.expected.reason)
        #expect(outcome.outcome == failure.expected.outcome)
        // Crashes are said in full by the reason.
        #expect(outcome.detail?.isEmpty == (failure == .crashesOnProbation ? nil : false), "a person is told more")
        #expect(try device.local.current == v1.digest)
        #expect(try device.local.lastKnownGood == v1.digest)
        #expect(device.runtime.state.withLock { $0.serving } == v1.digest)
        #expect(try QuarantineStore(files: device.disk).holds(v2.digest, assignment: 2) == failure.blamesVersion)
        #expect(try device.disk.list(StateLayout.staging).isEmpty, "nothing is left lying about")
        // Another start changes nothing and says nothing more.
        device.disk.setFull(below: nil)
        try device.work()
        #expect(device.controller.outcomes.filter { $0.assignment == 2 }.count == 1)
        #expect(try device.local.current == v1.digest)
    }

    private func arrange(_ failure: Failure, _ device: Device, _ v1: TestVersion, _ v2: TestVersion) throws {
        let weights = try #require(v2.resource.files.first { $0.path == "model.bin" })
        let bytes = v2.files[weights.digest] ?? []
        let digest = v2.digest
        let controller = device.controller
        switch failure {
        case .otherDigest:
            let v3 = try TestVersion("v3.0.0", model: device.model).resource
            controller.state.withLock { $0.versions[digest] = v3 }
        case .otherSignature:
            var forged = v2.resource
            forged.bundle = try TestVersion("v2.0.0", model: device.model, signature: [8]).resource.bundle
            controller.state.withLock { [forged] in $0.versions[digest] = forged }
        case .missingFile:
            controller.state.withLock { $0.versions[digest]?.files.removeAll { $0.path == "model.bin" } }
        case .noRoom: device.disk.setFreeBytes(1000)
        case .truncated: controller.state.withLock { $0.files[weights.digest] = Array(bytes.dropLast()) }
        case .longer: controller.state.withLock { $0.files[weights.digest] = bytes + [1] }
        case .altered: controller.state.withLock { $0.files[weights.digest] = [0] + bytes.dropFirst() }
        case .fullWhileFetching: device.disk.setFull(below: StateLayout.staging)
        case .unmetNeeds: device.architecture = "aarch64"
        case .damagedBackup: try device.damage(v1)
        case .neverHealthy: device.runtime.state.withLock { _ = $0.refused.insert(digest) }
        case .wrongAnswer: device.probe.set("/infer", 200, #"{"y": 2.2}"#)
        case .slowAnswer:
            device.probe.set("/infer", 200, #"{"y": 2}"#)
            let clock = device.clock
            device.probe.delay.withLock { $0 = { clock.pause(seconds: 0.1) } }
        case .noAnswer, .unreadableGolden: break
        case .crashesOnProbation: device.runtime.state.withLock { _ = $0.unstable.insert(digest) }
        case .fallsIllOnProbation: device.runtime.state.withLock { $0.healthyFor[digest] = 6 }
        }
    }

    @Test("golden answers within their tolerance pass")
    func goldenPasses() throws {
        let (device, v1) = try settled()
        let v2 = try TestVersion("v2.0.0", model: device.model, extra: ["golden.json": Array(Self.golden.utf8)])
        device.controller.offer(v2)
        device.probe.set("/infer", 200, #"{"y": 2.05, "more": true}"#)
        device.order(2, run: v2, fallback: v1)
        try device.work()
        #expect(try device.local.current == v2.digest)
        #expect(device.probe.asked.withLock { $0 } == ["/infer"])
    }

    @Test("a version that failed is tried again only where it was ordered on purpose since")
    func quarantine() throws {
        let (device, v1) = try settled()
        let v2 = try TestVersion("v2.0.0", model: device.model)
        device.controller.offer(v2)
        let digest = v2.digest
        device.runtime.state.withLock { _ = $0.refused.insert(digest) }
        device.order(2, run: v2, fallback: v1)
        try device.work()
        #expect(try device.local.current == v1.digest)
        device.runtime.state.withLock { $0.refused = [] }
        // A newer assignment alone, and one that was ordered on purpose before the failure and renumbered since.
        for (number, retry) in [(3, 0), (4, 2)] as [(UInt64, UInt64)] {
            device.order(number, run: v2, fallback: v1, retry: retry)
            try device.work()
            #expect(try device.local.current == v1.digest)
            let refusal = try #require(device.controller.outcomes.last)
            #expect(refusal.assignment == number && refusal.outcome == .rejected && refusal.reason == "quarantined")
            #expect(refusal.detail?.contains("edgectl device retry") == true)
        }
        device.order(6, run: v2, fallback: v1, retry: 5)
        try device.work()
        #expect(try device.local.current == v2.digest)
        #expect(try !QuarantineStore(files: device.disk).holds(v2.digest, assignment: 3))
    }

    @Test("a version that failed here is no version to return to, whoever names it")
    func quarantinedFallback() throws {
        let (device, v1) = try settled()
        let versions = try ["v2.0.0", "v3.0.0"].map { try TestVersion($0, model: device.model) }
        for version in versions { device.controller.offer(version) }
        let (v2, v3) = (versions[0], versions[1])
        let (bad, broken) = (v2.digest, v3.digest)
        device.runtime.state.withLock { $0.refused = [bad, broken] }
        device.order(2, run: v2, fallback: v1)
        try device.work()
        device.order(3, run: v3, fallback: v2)
        try device.work()
        #expect(try device.local.current == v1.digest)
        #expect(try device.local.lastKnownGood == v1.digest)
        device.runtime.state.withLock { $0.refused = [broken] }
        device.order(4, run: v2, fallback: v2, retry: 4)
        try device.work()
        #expect(try device.local.lastKnownGood == v2.digest, "it has proven itself when it was tried on purpose")
    }

    @Test("a person at the device takes a version back, which is reported, and shut out until it is ordered anew")
    func returnedByHand() throws {
        let (device, v1) = try settled()
        let v2 = try TestVersion("v2.0.0", model: device.model)
        device.controller.offer(v2)
        device.order(2, run: v2, fallback: v1)
        try device.work()
        try ReturnRequest(reason: "it smokes", at: Timestamp(milliseconds: 1)).place(in: device.disk)
        try device.idle()
        #expect(try device.local.current == v1.digest)
        #expect(device.runtime.state.withLock { $0.serving } == v1.digest)
        let last = try #require(device.controller.outcomes.last)
        #expect(last.outcome == .rolledBack && last.reason == "return_ordered")
        #expect(last.detail == "ordered at the device: it smokes")
        #expect(try !ReturnRequest.waits(in: device.disk))
        #expect(try QuarantineStore(files: device.disk).holds(v2.digest, assignment: 2))
        #expect(try !QuarantineStore(files: device.disk).holds(v2.digest, assignment: 3))
        try ReturnRequest(reason: "", at: Timestamp(milliseconds: 1)).place(in: device.disk)
        try device.idle()
        #expect(try device.local.current == v1.digest, "there is nothing to return to")
        #expect(try !ReturnRequest.waits(in: device.disk))
    }

    @Test("a person who is faster than the probation is heard during it")
    func returnedOnProbation() throws {
        let (device, v1) = try settled()
        let v2 = try TestVersion("v2.0.0", model: device.model)
        device.controller.offer(v2)
        device.order(2, run: v2, fallback: v1)
        try ReturnRequest(reason: "stop", at: Timestamp(milliseconds: 1)).place(in: device.disk)
        try device.work()
        #expect(try device.local.current == v1.digest)
        #expect(device.controller.outcomes.map(\.reason) == [nil, "return_ordered"])
    }
}

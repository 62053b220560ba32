import Fleet
import Foundation
import Rollouts
import Testing
import WireFormat

@Suite struct ResourceTests {
    private let now = Timestamp(milliseconds: 1_767_225_600_000)

    private func check<Value: Codable & Equatable>(_ value: Value) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let bytes = try encoder.encode(value)
        let read = try JSONDecoder().decode(Value.self, from: bytes)
        #expect(read == value)
        #expect(try encoder.encode(read) == bytes)
    }

    private func reference(_ name: String, _ byte: UInt8) throws -> VersionReference {
        VersionReference(
            name: try VersionName(name), digest: try #require(Digest(bytes: Array(repeating: byte, count: 32))))
    }

    @Test("a device reads back what it writes")
    func device() throws {
        let version = try reference("v1", 1)
        var slot = DeviceResource.Slot(model: try ModelName("digits"), arm: "canary", healthy: true)
        slot.running = VersionLabel(name: version.name, digest: version.digest)
        slot.assigned = VersionLabel(name: nil, digest: version.digest)
        slot.rollout = try RolloutID("digits-1")
        slot.step = "download"
        try check(
            DeviceResource(
                id: try DeviceID("d1"), labels: try Labels(["site": "berlin"]), state: .online, enrolledAt: now,
                lastHeartbeatAt: now, assignment: 4, agentVersion: "1", slots: [slot], problems: ["disk_full"],
                totals: [VersionTotals(digest: version.digest, totals: RuntimeTotals(requests: 3))]))
    }

    @Test("a rollout reads back what it writes")
    func rollout() throws {
        var rollout = RolloutResource(
            id: try RolloutID("digits-1"), deployment: try DeploymentName("digits"), model: try ModelName("digits"),
            from: try reference("v1", 1), to: try reference("v2", 2), state: .holding, step: 1, steps: 4,
            policy: Policy(name: try PolicyName("calm")), createdAt: now)
        rollout.waitReason = "soak"
        rollout.waitSince = now
        rollout.progress = .init(drawn: 5, commanded: 4, exposed: 3, failed: 1)
        var decision = Decision(
            number: 1, kind: .hold, cause: .judge, reason: "no_data", sentence: "no data", step: 1, tick: 3, at: now)
        decision.evidence = 0.1 + 0.2
        rollout.decisions = [decision]
        try check(rollout)
        try check(RolloutCommandRequest(command: .rollback, reason: "it is bad"))
    }

    @Test("what devices report reads back what it writes", arguments: AttemptReport.Outcome.allCases)
    func reports(outcome: AttemptReport.Outcome) throws {
        let report = AttemptReport(
            assignment: 7, model: try ModelName("digits"), sequence: 9, digest: nil, step: "verify", outcome: outcome,
            reason: "hash_mismatch", detail: "expected a, got b", durationSeconds: 1.5, transferredBytes: 10, at: -1)
        try check(ReportBatch(reports: [report]))
        try check(ReportReceipt(acknowledged: 9))
    }

    @Test("what is said at enrolment and of the registry reads back what it writes")
    func registry() throws {
        let version = try reference("v1", 1)
        try check(
            EnrolmentRequest(token: "t", device: try DeviceID("d1"), labels: Labels(), agentVersion: "1"))
        try check(EnrolmentReply(deviceToken: "edt_1", assignmentKey: "pem", publisherKeys: ["pem"]))
        try check(EnrolmentReply(deviceToken: nil, certificate: "pem", assignmentKey: "pem", publisherKeys: ["pem"]))
        try check(CertificateRenewal(certificateRequest: "pem"))
        try check(DeviceCertificate(certificate: "pem"))
        try check(AssignmentSet(number: .max / 2, assignments: ["a.b.c"]))
        try check(
            VersionResource(
                model: try ModelName("digits"), version: version.name, digest: version.digest, releaseCounter: 3,
                metadata: ["git": "4f2a91c"],
                files: [VersionFile(path: "a/b.onnx", digest: version.digest, sizeBytes: 9)], bundle: "{}",
                publisher: "f", createdAt: now, createdBy: "ana"))
        try check(Page(items: [UploadStatus(offsetBytes: 1, complete: false)], next: "x"))
        try check(ApplyResult(change: .unchanged, resource: version, rollout: try RolloutID("d-1"), warnings: ["w"]))
        try check(AuditEvent(number: 1, at: now, actor: "ana", action: "a", subject: "s", detail: ["k": "v"]))
    }

    @Test("the operator's role includes those of narrower roles, and the admin's includes all")
    func roles() {
        let operators = OperatorRole.operator.permissions
        for narrower in [OperatorRole.viewer, .publisher, .releaseManager, .scraper] {
            #expect(narrower.permissions.isStrictSubset(of: operators))
        }
        #expect(operators.isStrictSubset(of: OperatorRole.admin.permissions))
    }

    @Test("a scope that leaves a bound out has none, and says what it bounds")
    func scopes() throws {
        let read = { (text: String) in try JSONDecoder().decode(OperatorScope.self, from: Data(text.utf8)) }
        #expect(try read("{}").isEverything)
        #expect(try read(#"{"selector": "site=berlin"}"#).description == "devices site=berlin")
        let both = try read(#"{"models": ["detector*", "ocr"], "selector": "site=berlin"}"#)
        #expect(both.description == "models detector*, ocr; devices site=berlin")
        #expect(throws: DecodingError.self) { try read(#"{"models": ["a b"]}"#) }
        let detector = try ModelName("detector_small")
        #expect(both.includes(model: detector, on: try Selector("site=berlin,hw=orin")))
        #expect(!both.includes(model: detector, on: .everything))
        #expect(!both.includes(model: try ModelName("speech"), on: try Selector("site=berlin")))
    }
}

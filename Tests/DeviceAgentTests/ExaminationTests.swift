import DeviceUpdates
import Fleet
import Testing

@testable import DeviceAgent
@testable import SimulatedWorld

@Suite struct ExaminationTests {
    private let now = Timestamp(milliseconds: 1_700_000_000_000)

    @Test(
        "a clock is compared with the controller's",
        arguments: [(0.0, Finding.Level.fine), (-29, .fine), (31, .warning), (-299, .warning), (301, .failure)])
    func clock(off: Double, level: Finding.Level) {
        let found = Examination.clock(now: now.adding(seconds: off), controller: now, lastContact: nil)
        #expect(found.level == level)
        #expect(found.advice.isEmpty == (level == .fine))
    }

    @Test("a clock before the last contact is wrong, whatever the controller says")
    func clockBeforeContact() {
        let contact = now.adding(seconds: 3600)
        #expect(Examination.clock(now: now, controller: now, lastContact: contact).level == .failure)
        #expect(Examination.clock(now: now, controller: nil, lastContact: now).level == .fine)
    }

    @Test(
        "room is judged by the reserve and by the next version",
        arguments: [(UInt64(9), Finding.Level.failure), (12, .warning), (15, .fine)])
    func disk(freeMebibytes: UInt64, level: Finding.Level) {
        let found = Examination.disk(freeBytes: freeMebibytes << 20, reserveBytes: 10 << 20, versionBytes: 5 << 20)
        #expect(found.level == level)
    }

    @Test(
        "a certificate is fine until it should have been renewed",
        arguments: [(-1.0, Finding.Level.failure), (1, .fine), (60, .fine), (80, .warning), (101, .failure)])
    func certificate(day: Double, level: Finding.Level) {
        let schedule = CertificateSchedule(startsAt: now, expiresAt: now.adding(seconds: 100 * 86_400))
        #expect(Examination.certificate(schedule, now: now.adding(seconds: day * 86_400)).level == level)
    }

    @Test("a device that runs well has nothing to mend")
    func healthySlot() throws {
        let (device, _) = try Self.settled()
        let slot = try AgentState(files: device.disk, model: device.model)
        let findings = Examination.slot(slot, isRunning: true) { _ in true }
        #expect(findings.map(\.check) == ["current", "lkg", "update", "reports"])
        #expect(findings.allSatisfy { $0.level == .fine })
        #expect(slot.names.values.sorted() == ["v1.0.0"])
        #expect(slot.currentBytes > 0)
        #expect(!slot.isReturnWaiting)
    }

    @Test("damaged versions, a version that failed here, a stranded device and a forgotten attempt are found")
    func sickSlots() throws {
        let (device, version) = try Self.settled()
        var slot = try AgentState(files: device.disk, model: device.model)
        func levels(isRunning: Bool = true, isWhole: Bool = true) -> [String: Finding.Level] {
            let findings = Examination.slot(slot, isRunning: isRunning) { _ in isWhole }
            return Dictionary(findings.map { ($0.check, $0.level) }) { $1 }
        }
        #expect(levels(isWhole: false)["lkg"] == .failure)
        slot.quarantined = [version.digest.hex]
        #expect(levels()["current"] == .failure)
        slot.journal.state = .safe
        #expect(levels()["update"] == .failure)
        let order = Assignment(number: 2, run: version.digest, fallback: nil, probationSeconds: 1)
        slot.journal.state = .downloading(Attempt(order, local: slot.local))
        #expect(levels()["update"] == .fine)
        #expect(levels(isRunning: false)["update"] == .warning)
        slot.waitingReports = 1000
        #expect(levels()["reports"] == .warning)
        slot.local.current = nil
        #expect(levels()["current"] == .warning)
    }

    private static func settled() throws -> (Device, TestVersion) {
        let device = try Device()
        let version = try TestVersion("v1.0.0", model: device.model)
        device.controller.offer(version)
        device.order(1, run: version, fallback: nil)
        try device.work()
        return (device, version)
    }
}

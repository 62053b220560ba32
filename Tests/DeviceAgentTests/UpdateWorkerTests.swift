import DeviceUpdates
import Fleet
import Synchronization
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

@Suite struct UpdateWorkerTests {
    let device: Device
    let v1: TestVersion
    let v2: TestVersion

    init() throws {
        device = try Device()
        v1 = try TestVersion("v1.0.0", model: device.model)
        v2 = try TestVersion("v2.0.0", model: device.model)
        device.controller.offer(v1)
        device.controller.offer(v2)
        device.order(1, run: v1, fallback: nil)
        try device.work()
    }

    @Test("a first install becomes current and its own fallback, and is reported once")
    func firstInstall() throws {
        #expect(try device.local == LocalVersions(current: v1.digest, lastKnownGood: v1.digest, sealed: [v1.digest]))
        #expect(device.controller.outcomes.map(\.outcome) == [.succeeded])
        #expect(device.runtime.state.withLock { $0.serving } == v1.digest)
    }

    @Test("an update keeps the fallback that the assignment names")
    func update() throws {
        device.order(2, run: v2, fallback: v1)
        try device.work()
        #expect(try device.local.current == v2.digest)
        #expect(try device.local.lastKnownGood == v1.digest)
        #expect(device.controller.outcomes.map(\.outcome) == [.succeeded, .succeeded])
    }

    @Test("every step of an attempt is reported in its order")
    func steps() {
        let steps = device.controller.state.withLock { state in
            state.reports.values.sorted { $0.sequence < $1.sequence }.map(\.step)
        }
        #expect(steps == ["check", "download", "verify", "backup", "deploy", "smoke", "probation", "report"])
    }

    @Test("an ordered return fetches nothing and skips probation")
    func orderedReturn() throws {
        device.order(2, run: v2, fallback: v1)
        try device.work()
        let fetched = device.controller.state.withLock { $0.offsets.count }
        device.order(3, run: v1, fallback: v1)
        let before = device.clock.uptimeSeconds
        try device.work()
        #expect(device.controller.state.withLock { $0.offsets.count } == fetched)
        #expect(device.clock.uptimeSeconds - before < 1)
        #expect(try device.local.current == v1.digest)
        #expect(device.controller.outcomes.last?.outcome == .rolledBack)
    }

    @Test("a version that is installed once more goes through every step, fetches nothing and is served afresh")
    func reinstalled() throws {
        let fetched = device.controller.state.withLock { $0.offsets.count }
        device.order(2, run: v1, fallback: v1, reinstall: true)
        try device.work()
        let steps = device.controller.state.withLock { state in
            state.reports.values.filter { $0.assignment == 2 }.sorted { $0.sequence < $1.sequence }.map(\.step)
        }
        #expect(steps == ["check", "download", "verify", "backup", "deploy", "smoke", "probation", "report"])
        #expect(device.runtime.state.withLock { $0.renewals } == 1)
        #expect(device.controller.state.withLock { $0.offsets.count } == fetched)
        #expect(device.controller.outcomes.last?.outcome == .succeeded)
        device.order(3, run: v1, fallback: v1)
        try device.work()
        #expect(device.runtime.state.withLock { $0.renewals } == 1, "an assignment without the order disturbs nothing")
    }

    @Test("a version that cannot be installed once more stays, and is not shut out")
    func reinstallFails() throws {
        let bad = v1.digest
        device.runtime.state.withLock { _ = $0.refused.insert(bad) }
        device.order(2, run: v1, fallback: v1, reinstall: true)
        try device.work()
        #expect(device.controller.outcomes.last?.outcome == .failed)
        #expect(try device.local.current == v1.digest)
        #expect(try !QuarantineStore(files: device.disk).holds(v1.digest, assignment: 2))
    }

    @Test("a runtime that does not like the version leaves the device on what it ran, and the version is shut out")
    func unhealthy() throws {
        let bad = v2.digest
        device.runtime.state.withLock { _ = $0.refused.insert(bad) }
        device.order(2, run: v2, fallback: v1)
        try device.work()
        #expect(try device.local.current == v1.digest)
        #expect(device.runtime.state.withLock { $0.serving } == v1.digest)
        let outcome = try #require(device.controller.outcomes.last)
        #expect(outcome.outcome == .failed && outcome.reason == "runtime_unhealthy" && outcome.step == "deploy")
        #expect(try QuarantineStore(files: device.disk).holds(v2.digest, assignment: 2))
        #expect(try !QuarantineStore(files: device.disk).holds(v2.digest, assignment: 3))
    }

    @Test("a refused or impossible assignment changes nothing and says why")
    func refusals() throws {
        device.order(2, run: v2, fallback: v1, expiresAt: 1_000_000_001)
        try device.work()
        #expect(device.controller.outcomes.last?.reason == "assignment_expired")
        #expect(device.controller.outcomes.last?.outcome == .rejected)
        device.disk.setFreeBytes(1000)
        device.order(3, run: v2, fallback: v1)
        try device.work()
        #expect(device.controller.outcomes.last?.reason == "disk_full")
        #expect(try device.local.current == v1.digest)
    }

    @Test("a file that is not what was signed is fetched once more and then refused")
    func tampered() throws {
        let file = try #require(v2.resource.files.first { $0.path == "model.bin" })
        device.controller.state.withLock { $0.files[file.digest] = Array("weights of v9.9.9".utf8) }
        device.order(2, run: v2, fallback: v1)
        try device.work()
        #expect(device.controller.outcomes.last?.reason == "hash_mismatch")
        #expect(try device.local == LocalVersions(current: v1.digest, lastKnownGood: v1.digest, sealed: [v1.digest]))
        #expect(device.controller.state.withLock { $0.offsets.count { $0 == 0 } } >= 2)
    }

    @Test("a broken download resumes where it broke off")
    func resumed() throws {
        device.controller.state.withLock { state in
            state.breaks = [5]
            state.offsets = []
        }
        device.order(2, run: v2, fallback: v1)
        try device.work()
        #expect(device.controller.state.withLock { $0.offsets }.contains(5))
        #expect(try device.local.current == v2.digest)
    }

    @Test("a controller that is away costs a download time, and none of its tries")
    func absence() throws {
        device.controller.state.withLock { state in
            state.absences = 30
            state.breaks = [5]
        }
        let before = device.clock.uptimeSeconds
        device.order(2, run: v2, fallback: v1)
        try device.work()
        #expect(try device.local.current == v2.digest)
        #expect(device.clock.uptimeSeconds - before > 600, "thirty pauses, of half a minute most of them")
        #expect(device.controller.outcomes.last?.outcome == .succeeded)
    }

    @Test("a download that breaks off again and again goes on as long as every try brings something")
    func breaksOff() throws {
        device.controller.state.withLock { $0.breaks = [1, 2, 1, 2, 3] }
        device.order(2, run: v2, fallback: v1)
        try device.work()
        #expect(try device.local.current == v2.digest)
    }

    @Test("a link that breaks for hours again and again is not an absence as long as something comes through")
    func brokenLink() throws {
        let services = try #require(device.agent).services
        let downloader = Downloader(services: services, tries: 2, isInterrupted: { false })
        var (calls, have) = (0, UInt64(0))
        let value = try downloader.patiently("a file", have: { have }) {
            device.clock.pause(seconds: 15 * 3600)
            (calls, have) = (calls + 1, have + 1)
            guard calls > 3 else { throw ControllerFault.unreachable("it broke") }
            return calls
        }
        #expect(value == 4)
    }

    @Test("a controller that stays away for more than a day ends the attempt")
    func away() throws {
        device.order(2, run: v2, fallback: v1)
        device.controller.state.withLock { $0.isAway = true }
        #expect(throws: ControllerFault.self) { try device.work() }
        device.controller.state.withLock { $0.isAway = false }
        let agent = try #require(device.agent)
        try ReportLoop(agent).send()
        #expect(device.controller.outcomes.last?.reason == "download_failed")
        #expect(try device.local.current == v1.digest)
    }

    @Test("a version that was never promoted is left when its bytes are damaged")
    func damaged() throws {
        device.order(2, run: v2, fallback: v1)
        try device.work()
        let path = StateLayout(model: device.model).version(v2.digest) + "/model.bin"
        device.disk.damage(path)
        try device.work()
        #expect(try device.local.current == v1.digest)
        #expect(device.controller.outcomes.last?.outcome == .rolledBack)
        #expect(device.controller.outcomes.last?.reason == "hash_mismatch")
    }

    @Test("a signed version of another model is refused")
    func otherModel() throws {
        let foreign = try TestVersion("v2.0.0", model: ModelName("faces"))
        device.controller.offer(foreign)
        device.order(2, run: foreign, fallback: v1)
        try device.work()
        #expect(device.controller.outcomes.last?.reason == "version_mismatch")
        #expect(try device.local.current == v1.digest)
    }
}

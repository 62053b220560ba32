import Fleet
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

@Suite struct LateCountsTests {
    private let start = Timestamp(milliseconds: 1_800_000_000_000)

    private func series() throws -> RuntimeSeries {
        let digest = try #require(Digest(bytes: Array(repeating: 1, count: 32)))
        return RuntimeSeries(model: try ModelName("digits"), digest: digest, start: 5)
    }

    private func heartbeat(_ sequence: UInt64, requests: UInt64, at moment: Timestamp) throws -> Heartbeat {
        let totals = RuntimeTotals(requests: requests, failures: ["invalid": requests / 10])
        return Heartbeat(
            boot: 1, sequence: sequence, sentAt: moment.milliseconds, assignment: 1,
            series: [SeriesReport(series: try series(), totals: totals)])
    }

    /// A device that was heard, was away for a day in which it counted a thousand requests, and is heard again.
    private func returned() throws -> (device: LiveDevice, reply: HeartbeatReply, now: Timestamp) {
        var device = LiveDevice(try DeviceID("device-1"))
        _ = device.take(try heartbeat(1, requests: 0, at: start), at: start)
        let now = start.adding(seconds: 86_400)
        let reply = device.take(try heartbeat(2, requests: 1000, at: now), at: now)
        return (device, reply, now)
    }

    private func upload(_ points: [(Double, UInt64)]) throws -> HistoryUpload {
        HistoryUpload(
            series: try series(),
            points: points.map { seconds, requests in
                HistoryUpload.Point(
                    at: start.adding(seconds: seconds).milliseconds,
                    totals: RuntimeTotals(requests: requests, failures: ["invalid": requests / 10]))
            })
    }

    /// Requests and failures of the device's history.
    private func history(of device: LiveDevice, at now: Timestamp) throws -> [Double] {
        let measured = device.telemetry.history(on: try series().digest, at: now)
        return [measured.requests, measured.failures]
    }

    @Test("a device that was away is asked since when, once, and one that was not is not asked")
    func asked() throws {
        var (device, reply, now) = try returned()
        #expect(reply.historySince == start.milliseconds)
        let next = device.take(
            try heartbeat(3, requests: 1001, at: now.adding(seconds: 30)), at: now.adding(seconds: 30))
        #expect(next.historySince == nil)
    }

    @Test("a device that was away and counted nothing is not asked")
    func nothingCounted() throws {
        var device = LiveDevice(try DeviceID("device-1"))
        _ = device.take(try heartbeat(1, requests: 7, at: start), at: start)
        let now = start.adding(seconds: 600)
        #expect(device.take(try heartbeat(2, requests: 7, at: now), at: now).historySince == nil)
    }

    @Test("what was counted a day ago is worth half in the history, and as much as before in the totals")
    func discounted() throws {
        var (device, _, now) = try returned()
        #expect(try history(of: device, at: now) == [1000, 100])
        #expect(device.take(try upload([(0, 0), (0.001, 1000), (86_400, 1000)]), at: now) == 2)
        let history = try history(of: device, at: now)
        #expect(abs(history[0] - 500) < 0.01 && abs(history[1] - 50) < 0.01)
        #expect(device.telemetry.lifetime.map(\.totals.requests) == [1000])
    }

    @Test("a ring is used once, and no more is taken back than came late")
    func bounded() throws {
        var (device, _, now) = try returned()
        #expect(device.take(try upload([(0, 0), (0.001, 50_000)]), at: now) == 1)
        #expect(try history(of: device, at: now) == [0, 0])
        #expect(device.take(try upload([(0, 0), (0.001, 1000)]), at: now) == 0)
    }

    @Test("a ring that nobody asked for changes nothing")
    func unasked() throws {
        var device = LiveDevice(try DeviceID("device-1"))
        _ = device.take(try heartbeat(1, requests: 100, at: start), at: start)
        #expect(device.take(try upload([(0, 0), (60, 100)]), at: start) == 0)
        #expect(try history(of: device, at: start) == [100, 10])
    }

    @Test("a device without a network counts on, and tells its ring when it is back")
    func story() throws {
        let world = try World()
        try world.settle(devices: 3)
        let device = try #require(world.devices.first)
        device.link.connect(to: nil)
        for _ in 0..<10 {
            world.time.pass(seconds: 120)
            device.serve(requests: 100, failures: 5)
            try device.beat()
        }
        device.link.connect(to: world.controller)
        try world.run(2)
        let told = try #require(device.link.histories.first)
        #expect(told.points.count >= 10)
        #expect(world.controller.ingest.telemetry(of: device.id).lifetime.reduce(0) { $0 + $1.totals.requests } >= 1000)
    }
}

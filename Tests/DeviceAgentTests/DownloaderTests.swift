import Cryptography
import DeviceUpdates
import Fleet
import ModelTrust
import Synchronization
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// Downloads in pieces, from answers that are not what was asked for.
@Suite struct DownloaderTests {
    private static let chunkBytes = 64 << 10
    private static let bytes = (0..<(5 * chunkBytes + 1000)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    private let device: Device
    private let version: TestVersion

    init() throws {
        device = try Device()
        version = try Self.version(device.model, list: Self.list())
        device.controller.offer(version)
        device.order(1, run: version, fallback: nil)
    }

    private static func list() throws -> [UInt8] {
        let digests = stride(from: 0, to: bytes.count, by: chunkBytes).map { start in
            SHA256().digest(of: Array(bytes[start..<min(start + chunkBytes, bytes.count)]))
        }
        return ChunkList(chunkBytes: UInt64(chunkBytes), digests: [try ArtifactPath("big.bin"): digests]).serialized()
    }

    private static func version(_ model: ModelName, list: [UInt8]) throws -> TestVersion {
        try TestVersion("v1.0.0", model: model, extra: ["big.bin": bytes, "edge-chunks.json": list])
    }

    private typealias Answer = @Sendable ([UInt8], Range<UInt64>, (UInt64, [UInt8]) throws -> Void) throws -> Void

    /// The controller answers the first requests for the large file like this.
    private func answer(_ answers: [Answer]) {
        let left = Mutex(answers)
        let selective: Answer = { bytes, range, sink in
            let next: Answer? = left.withLock { left in
                bytes.count == Self.bytes.count && !left.isEmpty ? left.removeFirst() : nil
            }
            if let next { return try next(bytes, range, sink) }
            try sink(range.lowerBound, Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
        }
        device.controller.state.withLock { $0.answers = Array(repeating: selective, count: 100) }
    }

    /// What was asked for of the large file, request by request.
    private var asked: [Range<UInt64>] {
        device.controller.state.withLock { $0.asked }.filter { $0.upperBound > 2 * UInt64(Self.chunkBytes) }
    }

    private func chunk(_ number: Int) -> Range<UInt64> {
        UInt64(number * Self.chunkBytes)..<UInt64(min((number + 1) * Self.chunkBytes, Self.bytes.count))
    }

    private func requireInstalled() throws {
        #expect(try device.local.current == version.digest)
        #expect(device.controller.outcomes.map(\.outcome) == [.succeeded])
    }

    @Test("a flipped bit costs the piece that it is in")
    func flipped() throws {
        answer([
            { bytes, range, sink in
                var changed = bytes
                changed[3 * Self.chunkBytes + 7] ^= 4
                try sink(0, changed)
            }
        ])
        try device.work()
        try requireInstalled()
        #expect(asked == [0..<UInt64(Self.bytes.count), chunk(3)])
    }

    @Test("what broke off goes on where it broke off, in the middle of a piece")
    func broken() throws {
        answer([
            { bytes, range, sink in
                try sink(0, Array(bytes[..<100_000]))
                throw ControllerFault.unavailable("cut")
            }
        ])
        try device.work()
        try requireInstalled()
        #expect(asked == [0..<UInt64(Self.bytes.count), 100_000..<UInt64(Self.bytes.count)])
    }

    @Test("a start finds out what is there, and fetches again what a power cut damaged")
    func restarted() throws {
        let digest = SHA256().digest(of: Self.bytes)
        for directory in StateLayout(model: device.model).directories { try device.disk.makeDirectories(directory) }
        var left = Array(Self.bytes[..<(4 * Self.chunkBytes + 5)])
        left[Self.chunkBytes + 1] ^= 1
        try device.disk.write(StateLayout.part(digest), left, at: 0)
        answer([])
        try device.work()
        try requireInstalled()
        #expect(asked == [chunk(4).lowerBound..<UInt64(Self.bytes.count)], "and then the one piece that is damaged")
        #expect(device.controller.state.withLock { $0.asked }.contains(chunk(1)))
    }

    @Test("the whole file in place of a part is taken only when nothing else comes, and costs no right piece")
    func wholeFile() throws {
        let whole: Answer = { bytes, _, sink in try sink(0, bytes) }
        answer([
            { bytes, _, sink in
                try sink(0, Array(bytes[..<(2 * Self.chunkBytes)]))
                throw ControllerFault.unavailable("cut")
            }, whole, whole, whole,
        ])
        let patient = try Device(disk: device.disk, controller: device.controller)
        patient.order(1, run: version, fallback: nil)
        patient.fetchTries = 4
        try patient.work()
        #expect(try patient.local.current == version.digest)
        #expect(asked.count == 4)
    }

    @Test("an answer that is of something else is left after some pieces")
    func otherBytes() throws {
        let served = Mutex(0)
        answer([
            { bytes, range, sink in
                for start in stride(from: 0, to: bytes.count, by: Self.chunkBytes) {
                    served.withLock { $0 += 1 }
                    try sink(UInt64(start), Array(repeating: 9, count: min(Self.chunkBytes, bytes.count - start)))
                }
            }
        ])
        try device.work()
        try requireInstalled()
        #expect(served.withLock { $0 } == ChunkedReception.wrongInAnswerLimit + 1)
    }

    @Test("a piece that is wrong again and again is not what was signed")
    func neverRight() throws {
        let wrong: Answer = { bytes, range, sink in
            var changed = bytes
            changed[0] ^= 1
            try sink(range.lowerBound, Array(changed[Int(range.lowerBound)..<Int(range.upperBound)]))
        }
        answer(Array(repeating: wrong, count: 20))
        try device.work()
        #expect(device.controller.outcomes.map(\.reason) == ["hash_mismatch"])
        #expect(try device.local.current == nil)
    }

    @Test("a list that cannot be read, or is of another file, costs only the pieces", arguments: [false, true])
    func uselessList(isReadable: Bool) throws {
        let device = try Device()
        var list = try Self.list()
        if isReadable {
            let other = SHA256().digest(of: [1])
            list = ChunkList(
                chunkBytes: UInt64(Self.chunkBytes),
                digests: [try ArtifactPath("big.bin"): Array(repeating: other, count: 3)]
            ).serialized()
        } else {
            list.removeLast()
        }
        let version = try Self.version(device.model, list: list)
        device.controller.offer(version)
        device.order(1, run: version, fallback: nil)
        try device.work()
        #expect(try device.local.current == version.digest)
    }

    @Test("a controller that asks to come back later is left alone for so long")
    func later() throws {
        let moments = Mutex<[Double]>([])
        let clock = device.clock
        answer([
            { _, _, _ in
                moments.withLock { $0.append(clock.uptimeSeconds) }
                throw ControllerFault.busy("503", seconds: 40)
            },
            { bytes, range, sink in
                moments.withLock { $0.append(clock.uptimeSeconds) }
                try sink(0, bytes)
            },
        ])
        try device.work()
        try requireInstalled()
        let seen = moments.withLock { $0 }
        #expect(seen.count == 2 && seen[1] - seen[0] >= 40)
    }

    @Test("files are fetched in the time of the day that is for it, and an open transfer ends with it")
    func window() throws {
        // 22:13:20 UTC by the test's clock.
        let clock = device.clock
        let begun = Mutex<[Int]>([])
        answer([
            { bytes, _, sink in
                begun.withLock { $0.append(clock.secondOfDay) }
                try sink(0, Array(bytes[..<100_000]))
                clock.pause(seconds: 7200)
                try sink(100_000, Array(bytes[100_000...]))
            },
            { bytes, range, sink in
                begun.withLock { $0.append(clock.secondOfDay) }
                try sink(range.lowerBound, Array(bytes[Int(range.lowerBound)...]))
            },
        ])
        device.downloadWindow = DailyWindow("23:00-23:30")
        try device.work()
        try requireInstalled()
        let seen = begun.withLock { $0 }
        #expect(seen.count == 2 && seen.allSatisfy { (23 * 3600..<23 * 3600 + 1800).contains($0) })
        #expect(asked == [0..<UInt64(Self.bytes.count), 100_000..<UInt64(Self.bytes.count)])
    }
}

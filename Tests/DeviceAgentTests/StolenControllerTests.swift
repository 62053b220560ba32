import Cryptography
import DeviceUpdates
import Fleet
import Foundation
import ModelTrust
import Synchronization
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// A controller in hostile hands, with all its keys and data, against a real agent: what publishers did not sign, and
/// what they withdrew, is never activated.
@Suite struct StolenControllerTests {
    private let device: Device
    private let thief: StolenController
    /// What the device may run: signed, and not withdrawn.
    private let allowed: Set<Digest>
    /// Signed with a key that only the newest key set admits.
    private let newest: PublishedVersion

    init() throws {
        device = try Device()
        let assignmentKey = try SigningKey.generate()
        var publishers = try Publishers()
        let stolenKey = publishers.key
        let pinned = publishers.pinned(assignmentKey: assignmentKey)
        try publishers.rotate()
        try publishers.revoke()
        let publisher = publishers.key
        let model = device.model
        var versions: [String: PublishedVersion] = [:]
        for (counter, floor) in [(1, 0), (2, 0), (3, 2), (4, 0)] as [(UInt64, UInt64)] {
            versions["v\(counter)"] = try PublishedVersion(
                "v\(counter)", model: model, counter: counter, floor: floor, weights: [UInt8(counter)],
                signedBy: publisher)
        }
        let foreign = try PublishedVersion(
            "v4", model: try ModelName("faces"), counter: 4, weights: [9], signedBy: publisher)
        let trust = try DeviceTrust<PublicKey, SHA256>(
            pinned, device: device.id, files: device.disk, hashing: SHA256())
        try device.disk.makeDirectories("trust")
        for set in publishers.sets { try trust.follow(keySet: set) }
        device.trust = trust
        let followed = publishers.sets.count
        // Signed, published, and withheld from this device.
        try publishers.rotate()
        try publishers.rotate()
        newest = try PublishedVersion("v5", model: model, counter: 5, weights: [5], signedBy: publishers.key)
        versions["v5"] = newest
        thief = StolenController(
            model: model, assignmentKey: assignmentKey, controller: device.controller, versions: versions,
            foreignModel: foreign, publishers: publishers, stolenKey: stolenKey, followed: followed)
        allowed = Set(["v2", "v3", "v4"].compactMap { versions[$0]?.resource.digest })
    }

    private func digest(_ name: String) -> Digest? { thief.versions[name]?.resource.digest }

    /// The device runs v3, which withdrew v1, and has v2 and v1 seen.
    private func settle() throws {
        for (number, name, fallback) in [(1, "v1", nil), (2, "v2", "v1"), (3, "v3", "v2"), (4, "v3", "v3")]
            as [(UInt64, String, String?)]
        {
            try thief.order(name, fallback: fallback, on: device, number: number)
            try device.work()
        }
        #expect(try device.local.current == digest("v3"))
        #expect(try device.local.lastKnownGood == digest("v3"))
        #expect(try FloorStore(files: device.disk).floors.release == 2)
    }

    @Test(
        "until the version that withdraws others is the last known good, a device goes back; from then on it does not")
    func floor() throws {
        for (number, name, fallback) in [(1, "v1", nil), (2, "v3", "v1")] as [(UInt64, String, String?)] {
            try thief.order(name, fallback: fallback, on: device, number: number)
            try device.work()
        }
        try thief.order("v1", fallback: "v1", on: device, number: 3)
        try device.work()
        #expect(try device.local.current == digest("v1"), "an ordinary rollback")
        try thief.order("v3", fallback: "v1", on: device, number: 4)
        try device.work()
        try thief.order("v3", fallback: "v3", on: device, number: 5)
        try device.work()
        try thief.order("v1", fallback: "v3", on: device, number: 6)
        try device.work()
        #expect(try device.local.current == digest("v3"))
        #expect(device.controller.outcomes.last?.reason == "version_withdrawn")
        #expect(device.controller.outcomes.last?.detail?.contains("withdrew all below 2") == true)
        try thief.order("v2", fallback: "v3", on: device, number: 7)
        try device.work()
        #expect(try device.local.current == digest("v2"), "the floor lets through what is not below it")
    }

    @Test("floors of a device whose agent knew no release floor are kept")
    func olderFloors() throws {
        try thief.order("v1", fallback: nil, on: device, number: 1)
        try device.work()
        try device.disk.write(
            StateLayout.floors, Array(#"{"assignment":7,"lastContact":5}"#.utf8), isSecret: false)
        let floors = try FloorStore(files: device.disk).floors
        #expect(floors.assignment == 7 && floors.lastContact == 5 && floors.release == 0)
    }

    @Test("whatever a stolen controller orders, only what publishers signed and did not withdraw is activated")
    func stolen() throws {
        try settle()
        let environment = ProcessInfo.processInfo.environment
        let count = environment["EDGEORCH_ATTACKS"].flatMap { Int($0) } ?? 90
        let seed = environment["EDGEORCH_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999)
        var chance = SeededChance(seed: seed)
        var outcomes: [String: Int] = [:]
        var number: UInt64 = 10
        for round in 0..<count {
            let attack = StolenController.Attack.allCases[round % StolenController.Attack.allCases.count]
            number += 1
            device.offeredKeySet = 0
            device.runtime.state.withLock { state in
                state.history = []
                state.unstable = []
            }
            let order = number
            try thief.carryOut(attack, on: device, number: number, chance: &chance)
            for _ in 0..<2 { try device.work() }
            let local = try device.local
            let served = device.runtime.state.withLock { $0.history.compactMap { $0 } }
            for digest in served + [local.current, local.lastKnownGood].compactMap({ $0 }) {
                #expect(allowed.contains(digest), "\(attack), round \(round) of seed \(seed)")
            }
            #expect(device.trust?.keySet == UInt64(thief.followed), "\(attack), round \(round) of seed \(seed)")
            let news = device.controller.outcomes.filter { $0.assignment == order }
            let reasons = Set(news.map { $0.reason ?? $0.outcome.rawValue }).sorted().joined(separator: ", ")
            outcomes["\(attack) | \(reasons.isEmpty ? "ignored" : reasons)", default: 0] += 1
        }
        device.runtime.state.withLock { $0.unstable = [] }
        // The device is not deaf: what a publisher signed is still installed.
        try thief.order("v4", fallback: "v3", on: device, number: number + 1)
        try device.work()
        #expect(try device.local.current == digest("v4"))
        try thief.order("v5", fallback: "v4", on: device, number: number + 2)
        thief.serve(nil, to: device)
        try device.work()
        #expect(try device.local.current == newest.resource.digest, "publishers' real key sets are followed")
        print("stolen controller: \(count) attacks of \(StolenController.Attack.allCases.count) kinds, seed \(seed)")
        for (outcome, count) in outcomes.sorted(by: { $0.key < $1.key }) { print("| \(outcome) | \(count) |") }
    }
}

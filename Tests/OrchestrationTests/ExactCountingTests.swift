import Fleet
import Rollouts
import Testing
import WireFormat

@testable import Orchestration
@testable import SimulatedWorld

/// What the controller has counted in a device's lifetime is what the device's runtimes counted, whatever happened
/// between.
@Suite struct ExactCountingTests {
    /// What may go wrong; each happens in about one round of ten.
    struct Faults: OptionSet, CustomTestStringConvertible {
        let rawValue: Int
        static let network = Faults(rawValue: 1)
        static let scrapes = Faults(rawValue: 2)
        static let runtimes = Faults(rawValue: 4)
        static let agents = Faults(rawValue: 8)
        static let controllers = Faults(rawValue: 16)
        static let commits = Faults(rawValue: 32)
        /// Agents start with a wrong wall clock, as devices without a battery for it do.
        static let clocks = Faults(rawValue: 64)
        static let power = Faults(rawValue: 128)
        /// Everything after which nothing is lost.
        static let kind = Faults(rawValue: 127)
        /// A power cut loses what no controller has; so controllers live here.
        static let cruel = Faults(rawValue: 255 & ~16)

        var testDescription: String {
            let names: [(Faults, String)] = [
                (.network, "network"), (.scrapes, "scrapes"), (.runtimes, "runtimes"), (.agents, "agents"),
                (.controllers, "controllers"), (.commits, "commits"),
                (.clocks, "clocks"), (.power, "power"),
            ]
            return names.filter { contains($0.0) }.map(\.1).joined(separator: ", ")
        }
    }

    @Test(
        "counts arrive once through every kind of fault",
        arguments: [Faults.network, .scrapes, .runtimes, .agents, .controllers, .commits, .clocks, .kind],
        [false, true])
    func everyFault(faults: Faults, reloads: Bool) throws {
        for seed in 1...(faults == .kind ? 20 : 6) as ClosedRange<UInt64> {
            let world = try played(seed, faults, reloads: reloads)
            for device in world.devices {
                let wrong = differences(try total(of: device, world), device.runtime.counted)
                #expect(wrong.isEmpty, "\(device.id), seed \(seed)")
            }
        }
    }

    @Test("a power cut loses what never arrived, and nothing is counted twice", arguments: [false, true])
    func powerCuts(reloads: Bool) throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let world = try played(seed, .cruel, reloads: reloads)
            for device in world.devices {
                let wrong = differences(try total(of: device, world), device.link.arrived)
                #expect(wrong.isEmpty, "\(device.id), seed \(seed)")
                for (digest, totals) in device.link.arrived {
                    let counted = device.runtime.counted[digest] ?? RuntimeTotals()
                    #expect(totals.subtracting(counted).isZero, "\(device.id), seed \(seed)")
                }
            }
        }
    }

    /// A world after many rounds of faults and a few without any.
    private func played(_ seed: UInt64, _ faults: Faults, reloads: Bool) throws -> World {
        let world = try World(seed: seed)
        try world.enrol(2, reloads: reloads)
        try world.want(1)
        var chance = SeededChance(seed: seed, stream: 7)
        for _ in 0..<60 { try round(world, faults, &chance) }
        for device in world.devices { device.runtime.setDeaf(false) }
        // More than the series that may wait, by the number that a heartbeat carries.
        for _ in 0..<10 {
            world.time.pass(seconds: 2)
            for device in world.devices {
                device.link.deliverLate()
                try device.beat()
            }
            try world.controller.tick()
        }
        return world
    }

    /// What differs, in words.
    private func differences(
        _ counted: [Digest: RuntimeTotals], _ expected: [Digest: RuntimeTotals]
    ) -> [String] {
        Set(counted.keys).union(expected.keys).sorted().compactMap { digest in
            let (found, wanted) = (counted[digest] ?? RuntimeTotals(), expected[digest] ?? RuntimeTotals())
            guard found != wanted else { return nil }
            return
                "\(digest.short): counted \(found.requests) \(found.failures), "
                + "not \(wanted.requests) \(wanted.failures)"
        }
    }

    private func total(of device: SimulatedDevice, _ world: World) throws -> [Digest: RuntimeTotals] {
        let counted = try world.controller.device(device.id).totals.map { ($0.digest, $0.totals) }
        return Dictionary(uniqueKeysWithValues: counted)
    }

    private func round(_ world: World, _ faults: Faults, _ chance: inout SeededChance) throws {
        world.time.pass(seconds: 2)
        if faults.contains(.controllers), chance.happens(0.08) { try world.restartController() }
        for device in world.devices {
            device.runtime.setDeaf(faults.contains(.scrapes) && chance.happens(0.15))
            device.serve(requests: chance.below(50), failures: chance.below(5))
            if faults.contains(.runtimes) { try disturbRuntime(of: device, world, &chance) }
            try disturbAgent(of: device, faults, &chance)
            let fates = SimulatedLink.Fate.allCases
            let isFaulty = faults.contains(.network) && chance.happens(0.5)
            try device.beat(isFaulty ? fates[chance.below(fates.count)] : .arrives)
            if chance.happens(0.2) { device.link.deliverLate() }
        }
        guard chance.happens(0.7) else { return }
        let isRefused = faults.contains(.commits) && chance.happens(0.3)
        if isRefused { (world.store as? MemoryStore)?.refuseCommits(1) }
        do { try world.controller.tick() } catch { #expect(isRefused, "\(error)") }
        (world.store as? MemoryStore)?.refuseCommits(0)
        // What came late may come after the commit that made it old.
        if chance.happens(0.2) { for device in world.devices { device.link.deliverLate() } }
    }

    private func disturbRuntime(of device: SimulatedDevice, _ world: World, _ chance: inout SeededChance) throws {
        if chance.happens(0.1) { device.crashRuntime() }
        if chance.happens(0.1) { device.restartRuntime() }
        if chance.happens(0.15) { device.activate(world.versions[chance.below(3)].digest) }
    }

    private func disturbAgent(of device: SimulatedDevice, _ faults: Faults, _ chance: inout SeededChance) throws {
        let isWrong = faults.contains(.clocks) && chance.happens(0.1)
        if isWrong { device.time.setOffset(milliseconds: Int64(chance.below(172_800_000)) - 86_400_000) }
        if faults.contains(.power), chance.happens(0.1) {
            var random = chance
            try device.cutPower { random.below($0 + 1) }
            _ = chance.next()
        } else if isWrong || faults.contains(.agents) && chance.happens(0.1) {
            try device.restartAgent()
        }
    }
}

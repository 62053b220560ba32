import Cryptography
import Fleet
import Foundation
import ModelTrust
import Testing

@testable import DeviceAgent
@testable import SimulatedWorld

/// Many devices that sleep and wake while publishers change their keys, some of them told lies; and sets damaged at
/// random.
@Suite struct KeyRehearsalTests {
    private static let seed =
        ProcessInfo.processInfo.environment["EDGEORCH_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999)

    /// What a device is told when it wakes.
    private enum Offer: String, CaseIterable {
        case everythingNewer, oneNewer, nothing
        case old, repeated, skipping, shuffled, forged, byOnlineKey, byFormerRecovery, mixed

        var isHonest: Bool { self == .everythingNewer || self == .oneNewer || self == .nothing }
    }

    /// Everything publishers ever did, and what a thief may have of it.
    private struct History {
        var publishers: Publishers
        /// Online keys and recovery keys that count no more.
        var former: [SigningKey] = []
        /// The fingerprints of the keys that count, and of those revoked, after each set.
        var trusted: [Set<Digest>] = []
        var revoked: [Set<Digest>] = []

        mutating func change(_ chance: inout SeededChance) throws {
            switch chance.below(4) {
            case 0 where publishers.keys.count > 1:
                former.append(publishers.keys[0])
                try publishers.revoke()
            case 1:
                former.append(publishers.recovery)
                try publishers.handOver()
            default: try publishers.rotate()
            }
            trusted.append(Set(publishers.keys.map(\.fingerprint)))
            revoked.append(Set(publishers.revoked.map(\.fingerprint)))
        }

        func sets(_ offer: Offer, after number: Int, _ chance: inout SeededChance) throws -> [String] {
            let all = publishers.sets
            var forged = publishers.next()
            forged.number = UInt64(number + 1)
            let thief = try SigningKey.generate()
            forged.keys = [thief.publicKey]
            forged.revoked = []
            switch offer {
            case .everythingNewer: return Array(all.dropFirst(number))
            case .oneNewer: return Array(all.dropFirst(number).prefix(1))
            case .nothing: return []
            case .old: return number < 2 ? [] : [all[chance.below(number - 1)]]
            case .repeated: return number < 1 ? [] : [all[number - 1]]
            case .skipping: return Array(all.dropFirst(number + 1))
            case .shuffled: return Array(all.dropFirst(number).reversed())
            case .forged:
                forged.recoveryKey = thief.publicKey
                return [try Publishers.sign(forged, by: [thief])]
            case .byOnlineKey: return [try Publishers.sign(forged, by: [publishers.key])]
            case .byFormerRecovery:
                return try former.isEmpty ? [] : [Publishers.sign(forged, by: [former[chance.below(former.count)]])]
            case .mixed:
                guard number < all.count, case .object(var members) = try JSONValue(parsing: Array(all[number].utf8))
                else { return [] }
                members["payload"] = .string(Base64.standard.encode(forged.serialized()))
                return [String(decoding: JSONValue.object(members).serialized(), as: UTF8.self)]
            }
        }
    }

    @Test("300 devices that wake now and then and are lied to go forward only, and in the end trust the newest keys")
    func fleet() throws {
        var chance = SeededChance(seed: Self.seed)
        var history = History(publishers: try Publishers())
        let pinned = history.publishers.pinned(assignmentKey: try SigningKey.generate())
        let first = try #require(PublicKey.read(pem: pinned.publisherKeys[0]))
        var fleet = Array(
            repeating: PublisherTrust(keys: [first], recoveryKey: pinned.recoveryKey, number: 0), count: 300)
        var outcomes: [String: Int] = [:]
        for _ in 0..<25 {
            try history.change(&chance)
            for index in fleet.indices where chance.happens(0.3) {
                let offer = Offer.allCases[chance.below(Offer.allCases.count)]
                let before = fleet[index]
                var refusal: KeySetRefusal?
                let sets = try history.sets(offer, after: Int(before.number), &chance)
                for set in sets where refusal == nil {
                    do throws(KeySetRefusal) {
                        try fleet[index].follow(Array(set.utf8))
                    } catch {
                        refusal = error
                    }
                }
                check(fleet[index], history, "\(offer) of seed \(Self.seed)")
                #expect(fleet[index].number >= before.number)
                if offer.isHonest { #expect(refusal == nil, "\(offer) of seed \(Self.seed)") }
                let said = refusal?.code ?? (fleet[index].number > before.number ? "followed" : "nothing new")
                outcomes["\(offer) | \(said)", default: 0] += 1
            }
        }
        for index in fleet.indices {
            for set in history.publishers.sets.dropFirst(Int(fleet[index].number)) {
                try fleet[index].follow(Array(set.utf8))
            }
            #expect(Set(fleet[index].keys.map(\.fingerprint)) == history.trusted.last)
        }
        print("key rehearsal: 300 devices, \(history.publishers.sets.count) key sets, seed \(Self.seed)")
        for (outcome, count) in outcomes.sorted(by: { $0.key < $1.key }) { print("| \(outcome) | \(count) |") }
    }

    /// A device trusts exactly what publishers said with the set that it follows.
    private func check(_ trust: PublisherTrust<PublicKey>, _ history: History, _ what: Comment) {
        guard trust.number > 0 else { return }
        let index = Int(trust.number) - 1
        #expect(Set(trust.keys.map(\.fingerprint)) == history.trusted[index], what)
        #expect(Set(trust.revoked.map(\.fingerprint)) == history.revoked[index], what)
    }

    @Test("of 1,000 key sets damaged at random none is followed as something else than what was signed")
    func damaged() throws {
        var chance = SeededChance(seed: Self.seed, stream: 1)
        var publishers = try Publishers()
        let recovery = publishers.recovery.fingerprint
        try publishers.handOver()
        let text = Array(publishers.sets[0].utf8)
        let key = try #require(publishers.keys.first?.publicKey)
        let before = PublisherTrust(keys: [key], recoveryKey: recovery, number: 0)
        var refused: [String: Int] = [:]
        for round in 0..<1000 {
            var damaged = text
            for _ in 0...chance.below(2) { Self.damage(&damaged, &chance) }
            guard damaged != text else { continue }
            var trust = before
            do throws(KeySetRefusal) {
                try trust.follow(damaged)
                // What nothing signs, such as a blank, may differ; what is followed may not.
                #expect(trust.number == 1 && trust.recoveryKey == publishers.recovery.fingerprint, "round \(round)")
                #expect(trust.keys == [key] && trust.revoked.isEmpty, "round \(round) of seed \(Self.seed)")
                refused["the same all the same", default: 0] += 1
            } catch {
                #expect(trust.number == 0)
                refused[error.code, default: 0] += 1
            }
        }
        print("damaged key sets: 1000, seed \(Self.seed)")
        for (code, count) in refused.sorted(by: { $0.key < $1.key }) { print("| \(code) | \(count) |") }
        #expect(refused["the same all the same", default: 0] < 100)
    }

    private static func damage(_ bytes: inout [UInt8], _ chance: inout SeededChance) {
        let place = chance.below(bytes.count)
        switch chance.below(5) {
        case 0: bytes[place] ^= 1 << UInt8(chance.below(8))
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(UInt8(truncatingIfNeeded: chance.next()), at: place)
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + chance.below(40)))
        default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + chance.below(40))], at: place)
        }
        if bytes.isEmpty { bytes = [0] }
    }
}

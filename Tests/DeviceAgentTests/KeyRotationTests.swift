import Cryptography
import DeviceUpdates
import Fleet
import ModelTrust
import Synchronization
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// The second day of keys, rehearsed: publishers rotate, revoke and hand over, devices sleep through it, controllers
/// lie about it.
@Suite struct KeyRotationTests {
    private let device: Device
    private let assignmentKey: SigningKey
    private var publishers: Publishers

    init() throws {
        device = try Device()
        assignmentKey = try SigningKey.generate()
        publishers = try Publishers()
        try MembershipStore(files: device.disk).save(
            Membership(
                identity: DeviceIdentity(device: device.id, deviceToken: nil, controllerURL: "https://c"),
                keys: publishers.pinned(assignmentKey: assignmentKey)))
        try wake()
    }

    /// The agent starts: whom it trusts is what its disk says.
    private func wake() throws {
        let membership = try #require(try MembershipStore(files: device.disk).load())
        device.trust = try DeviceTrust<PublicKey, SHA256>(
            membership.keys, device: device.id, files: device.disk, hashing: SHA256())
    }

    private func kept() throws -> TrustedKeys {
        try #require(try MembershipStore(files: device.disk).load()).keys
    }

    private func version(_ name: String, _ counter: UInt64, by key: SigningKey) throws -> PublishedVersion {
        let version = try PublishedVersion(
            name, model: device.model, counter: counter, weights: [UInt8(counter)], signedBy: key)
        device.controller.state.withLock { state in
            state.versions[version.resource.digest] = version.resource
            state.files.merge(version.files) { $1 }
        }
        return version
    }

    private func order(_ run: PublishedVersion, fallback: PublishedVersion?, number: UInt64) throws {
        let claims = AssignmentClaims(
            device: device.id, number: number, model: device.model,
            run: .init(version: run.resource.version, digest: run.resource.digest, sizeBytes: 100),
            fallback: fallback.map { .init(version: $0.resource.version, digest: $0.resource.digest) },
            deployment: nil, rollout: nil, updatingSeconds: 60, issuedAt: 1_000_000_000, expiresAt: 4_000_000_000)
        device.order(number, signed: try claims.signed(with: assignmentKey))
        try device.work()
    }

    private func relay(_ sets: [String]) {
        device.controller.state.withLock { $0.keySets = sets }
        device.offeredKeySet = UInt64(sets.count)
    }

    /// The agent starts, and hears what a heartbeat's answer says.
    private func listen() throws {
        try device.work()
        try device.idle()
    }

    private var refusals: [String] {
        device.log.lines.withLock { lines in lines.filter { $0.contains("key_set_refused") } }
    }

    @Test("a device that slept through two rotations follows both and installs what the newest key signed")
    mutating func sleptThroughTwoRotations() throws {
        let v1 = try version("v1", 1, by: publishers.key)
        try order(v1, fallback: nil, number: 1)
        try publishers.rotate()
        try publishers.rotate()
        try publishers.revoke()
        device.controller.state.withLock { [sets = publishers.sets] in $0.keySets = sets }
        // Nothing but the order itself tells the device that there are other keys by now.
        let v2 = try version("v2", 2, by: publishers.key)
        try order(v2, fallback: v1, number: 2)
        #expect(try device.local.current == v2.resource.digest)
        #expect(try kept().keySet == 3)
        let followed = device.log.lines.withLock { $0.filter { $0.contains("key_set_followed") } }
        #expect(followed.count == 3 && followed[0].contains("\"1\"") && followed[2].contains("\"3\""), "one by one")
    }

    @Test("a device follows a new recovery key only as the one before hands over, and then that one alone")
    mutating func handOver() throws {
        let first = publishers.recovery
        try publishers.handOver()
        try publishers.rotate()
        // A hostile controller leaves out the hand-over.
        device.controller.state.withLock { [sets = publishers.sets] in $0.servedKeySets = [sets[1]] }
        device.offeredKeySet = 2
        try listen()
        #expect(try kept().keySet == 0)
        #expect(refusals.last?.contains("key_set_unknown_signer") == true)
        device.controller.state.withLock { $0.servedKeySets = nil }
        relay(publishers.sets)
        try listen()
        #expect(try kept().keySet == 2)
        #expect(try kept().recoveryKey == publishers.recovery.fingerprint)
        try publishers.handOver()
        relay(publishers.sets)
        try listen()
        #expect(try kept().recoveryKey == publishers.recovery.fingerprint, "the newest set is the hand-over")
        try wake()
        try publishers.rotate()
        relay(publishers.sets)
        try listen()
        #expect(try kept().keySet == 4)
        // Who has the old recovery key has nothing.
        let forged = try Publishers.sign(publishers.next(), by: [first])
        device.controller.state.withLock { $0.servedKeySets = [forged] }
        device.offeredKeySet = 5
        try listen()
        #expect(try kept().keySet == 4)
        #expect(device.agent?.status.snapshot.problems.contains("key_set_refused") == true)
        device.controller.state.withLock { $0.servedKeySets = nil }
        try publishers.rotate()
        relay(publishers.sets)
        try device.idle()
        #expect(
            device.agent?.status.snapshot.problems.contains("key_set_refused") == false, "the same agent is content")
    }

    @Test("after a revocation nothing that the key signed is installed, and what serves goes on until it is replaced")
    mutating func sleptThroughARevocation() throws {
        let stolen = publishers.key
        let v1 = try version("v1", 1, by: stolen)
        try order(v1, fallback: nil, number: 1)
        try publishers.rotate()
        try publishers.revoke()
        relay(publishers.sets)
        let bad = try version("v9", 9, by: stolen)
        try order(bad, fallback: v1, number: 2)
        #expect(device.controller.outcomes.last?.reason == "publisher_revoked")
        #expect(device.controller.outcomes.last?.outcome == .rejected)
        #expect(try device.local.current == v1.resource.digest)
        device.runtime.state.withLock { $0.serving = nil }
        try wake()
        try listen()
        #expect(device.runtime.state.withLock { $0.serving } == v1.resource.digest, "a restart does not stop it")
        #expect(device.agent?.status.snapshot.problems.contains("publisher_revoked") == true)
        let v2 = try version("v2", 2, by: publishers.key)
        try order(v2, fallback: v1, number: 3)
        #expect(try device.local.current == v2.resource.digest)
        try order(v1, fallback: v1, number: 4)
        #expect(try device.local.current == v2.resource.digest, "no way back to what the stolen key signed")
        #expect(device.controller.outcomes.last?.reason == "publisher_revoked")
    }

    @Test("a revocation that arrives while a version is fetched stops it before it is activated")
    mutating func revokedMeanwhile() throws {
        let v1 = try version("v1", 1, by: publishers.key)
        try order(v1, fallback: nil, number: 1)
        let v2 = try version("v2", 2, by: publishers.key)
        try publishers.rotate()
        try publishers.revoke()
        // The heartbeat's answer comes when the download is under way: then, and not before, the sets are served.
        device.offeredKeySet = 2
        device.controller.state.withLock { $0.keySetsAfterFiles = publishers.sets }
        try order(v2, fallback: v1, number: 2)
        #expect(try device.local.current == v1.resource.digest)
        #expect(device.controller.outcomes.last?.reason == "publisher_revoked")
    }

    @Test("an old, a skipping and a repeated key set change nothing, now and after a restart")
    mutating func hostileController() throws {
        let stolen = publishers.key
        for _ in 0..<2 { try publishers.rotate() }
        try publishers.revoke()
        relay(publishers.sets)
        try listen()
        #expect(try kept().keySet == 3)
        let before = try kept()
        var later = publishers
        for _ in 0..<2 { try later.rotate() }
        let offers: [(code: String, sets: [String])] = [
            ("key_set_rollback", [publishers.sets[0]]), ("key_set_rollback", Array(publishers.sets.reversed())),
            ("key_set_rollback", [publishers.sets[2]]), ("key_set_skipped", [later.sets[4]]),
            ("key_set_unknown_signer", [try Publishers.sign(publishers.next(), by: [stolen])]),
            ("key_set_malformed", ["{}"]),
        ]
        for (code, sets) in offers {
            device.controller.state.withLock { $0.servedKeySets = sets }
            device.offeredKeySet = 99
            try listen()
            #expect(refusals.last?.contains(code) == true, "\(code)")
            #expect(device.agent?.status.snapshot.problems.contains("key_set_refused") == true)
            #expect(try kept() == before)
            try wake()
            #expect(device.trust?.keySet == 3)
        }
        let bad = try version("v9", 9, by: stolen)
        try order(bad, fallback: nil, number: 1)
        #expect(try device.local.current == nil)
        #expect(device.controller.outcomes.last?.reason == "publisher_revoked")
        device.controller.state.withLock { $0.servedKeySets = nil }
        relay(later.sets)
        try listen()
        #expect(try kept().keySet == 5, "an honest controller is followed again")
        #expect(device.agent?.status.snapshot.problems.contains("key_set_refused") == false)
    }

    @Test("what a revoked key signed is activated again once another key has signed the same content")
    mutating func signedAgain() throws {
        let v1 = try version("v1", 1, by: publishers.key)
        try order(v1, fallback: nil, number: 1)
        try order(v1, fallback: v1, number: 2)
        try publishers.rotate()
        try publishers.revoke()
        relay(publishers.sets)
        let v2 = try version("v2", 2, by: publishers.key)
        let again = try version("v1", 1, by: publishers.key)
        #expect(again.resource.digest == v1.resource.digest && again.resource.bundle != v1.resource.bundle)
        try device.work()
        try device.idle()
        #expect(device.agent?.status.snapshot.problems.contains("publisher_revoked") == false)
        try order(v2, fallback: v1, number: 3)
        #expect(try device.local.current == v2.resource.digest)
        try order(v1, fallback: v1, number: 4)
        #expect(try device.local.current == v1.resource.digest)
        try wake()
        try device.work()
        #expect(device.runtime.state.withLock { $0.serving } == v1.resource.digest)
    }

    @Test("a version that fails does not lead back to one that a revoked key signed")
    mutating func noWayBack() throws {
        let v1 = try version("v1", 1, by: publishers.key)
        try order(v1, fallback: nil, number: 1)
        try publishers.rotate()
        try publishers.revoke()
        relay(publishers.sets)
        let v2 = try version("v2", 2, by: publishers.key)
        device.runtime.state.withLock { state in
            state.refused = [v2.resource.digest]
            state.history = []
        }
        try order(v2, fallback: v1, number: 2)
        let served = device.runtime.state.withLock { $0.history.compactMap { $0 } }
        // It served when the agent started; after the new version failed it is not started again.
        let failed = try #require(served.lastIndex(of: v2.resource.digest))
        #expect(!served[failed...].contains(v1.resource.digest))
        #expect(device.controller.outcomes.last?.outcome == .failed)
        #expect(device.log.lines.withLock { $0.contains { $0.contains("publisher_revoked") } })
        try order(v2, fallback: v2, number: 3)
        device.runtime.state.withLock { $0.refused = [] }
        try order(v2, fallback: v2, number: 4)
        #expect(try device.local.current == v2.resource.digest, "the device is mended by an order")
    }

    @Test("a heartbeat says which key set is followed, and its answer makes the device follow newer ones")
    mutating func heartbeat() throws {
        try device.work()
        let agent = try #require(device.agent)
        try publishers.rotate()
        relay(publishers.sets)
        device.offeredKeySet = 0
        for answer in [nil, 0, 1] as [UInt64?] {
            device.controller.state.withLock { state in
                state.replies = [
                    HeartbeatReply(committedThrough: 0, assignment: 0, intervalSeconds: 1, keySet: answer, now: 0)
                ]
            }
            HeartbeatLoop(agent).beat(scrapeSeconds: 0)
            #expect(agent.status.snapshot.offeredKeySet == answer ?? 0)
        }
        _ = try device.worker?.next(after: .none)
        #expect(try kept().keySet == 1)
        HeartbeatLoop(agent).beat(scrapeSeconds: 0)
        #expect(device.controller.state.withLock { $0.heartbeats.map(\.keySet) } == [0, 0, 0, 1])
    }

    @Test("a controller that has no key sets to offer, or none at all, keeps nobody from updating")
    func olderController() throws {
        device.controller.state.withLock { $0.hasNoKeySets = true }
        device.offeredKeySet = 7
        let v1 = try version("v1", 1, by: publishers.key)
        try order(v1, fallback: nil, number: 1)
        #expect(try device.local.current == v1.resource.digest)
        #expect(try kept().keySet == 0)
    }

    @Test("a power cut while a signature is replaced leaves the version whole, with the old signature or the new one")
    mutating func powerCutWhileSignedAgain() throws {
        let v1 = try version("v1", 1, by: publishers.key)
        try order(v1, fallback: nil, number: 1)
        try publishers.rotate()
        try publishers.revoke()
        for set in publishers.sets { try #require(device.trust).follow(keySet: set) }
        let again = Array(try version("v1", 1, by: publishers.key).resource.bundle.utf8)
        let trust = try #require(device.trust)
        let before = device.disk.afterPowerCut { $0 }
        let layout = StateLayout(model: device.model)
        var (operation, isOver) = (0, false)
        while !isOver {
            for keep in [0, 1, Int.max] {
                let disk = before.afterPowerCut { $0 }
                disk.setBudget(operation)
                let store = VersionStore(files: disk, layout: layout, verifier: trust)
                isOver = (try? store.replaceSignature(v1.resource.digest, with: again)) != nil
                let left = VersionStore(files: disk.afterPowerCut { min($0, keep) }, layout: layout, verifier: trust)
                #expect(try left.isWhole(v1.resource.digest), "cut at \(operation), \(keep) kept")
                let isRenewed = (try? left.requireTrustedSigner(v1.resource.digest)) != nil
                #expect(isRenewed || !isOver, "cut at \(operation), \(keep) kept")
            }
            operation += 1
        }
        #expect(operation > 4)
    }

    @Test("a device that pinned no recovery key follows nobody")
    mutating func noRecoveryKey() throws {
        var keys = publishers.pinned(assignmentKey: assignmentKey)
        keys.recoveryKey = nil
        try MembershipStore(files: device.disk).save(keys)
        try wake()
        try publishers.rotate()
        relay(publishers.sets)
        try listen()
        #expect(try kept().keySet == 0)
        #expect(refusals.last?.contains("key_set_no_recovery_key") == true)
    }

    @Test("keys of a device whose agent knew no key sets are kept")
    func olderKeys() throws {
        let text = #"{"assignmentKey":"a","publisherKeys":["b"]}"#
        let keys = try JSONCoding.decode(TrustedKeys.self, from: Array(text.utf8))
        #expect(keys == TrustedKeys(assignmentKey: "a", publisherKeys: ["b"]))
    }

    @Test("a power cut while a key set is followed leaves the old keys or the new ones, and forgets no revocation")
    mutating func powerCut() throws {
        try publishers.rotate()
        try publishers.revoke()
        try #require(device.trust).follow(keySet: publishers.sets[0])
        let before = device.disk.afterPowerCut { $0 }
        var operation = 0
        var isOver = false
        while !isOver {
            for keep in [0, 1, Int.max] {
                let disk = before.afterPowerCut { $0 }
                let keys = try #require(try MembershipStore(files: disk).load()).keys
                let trust = try DeviceTrust<PublicKey, SHA256>(
                    keys, device: device.id, files: disk, hashing: SHA256())
                disk.setBudget(operation)
                let isFollowed = (try? trust.follow(keySet: publishers.sets[1])) != nil
                #expect(trust.keySet == (isFollowed ? 2 : 1))
                let left = try #require(try MembershipStore(files: disk.afterPowerCut { min($0, keep) }).load()).keys
                #expect(left.keySet == 2 || (left.keySet == 1 && !isFollowed), "cut at \(operation), \(keep) kept")
                #expect(left.revokedKeys.count == (left.keySet == 2 ? 1 : 0))
                isOver = isFollowed
            }
            operation += 1
        }
        #expect(operation > 4)
    }
}

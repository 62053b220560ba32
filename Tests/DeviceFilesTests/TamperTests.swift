import Cryptography
import Fleet
import Foundation
import ModelTrust
import Testing

@testable import DeviceAgent
@testable import SimulatedWorld

/// Versions that somebody tampered with are refused by the agent's own verification and by `edgectl`'s.
@Suite struct TamperTests {
    private let key: SigningKey
    private let model: ModelName
    private let version: VersionName

    init() throws {
        key = try SigningKey.generate()
        model = try ModelName("digits")
        version = try VersionName("v2")
    }

    /// A version that is a directory, and one that is a single file with its description.
    private func contents(_ chance: inout SeededChance) throws -> [VersionContent] {
        let single = ["edge-version.json": VersionContent.manifest(), "model.onnx": chance.bytes(300)]
        let directory = single.merging([
            "data/labels.txt": Array("cat\ndog\n".utf8), "data/größe.json": chance.bytes(40),
            "LICENSE": chance.bytes(20),
        ]) { first, _ in first }
        return try [directory, single].map { try VersionContent(files: $0, signedBy: key) }
    }

    @Test("what nobody tampered with is accepted by both, whatever its permissions")
    func accepted() throws {
        var chance = SeededChance(seed: 1)
        for content in try contents(&chance) {
            let disk = try SignedVersionOnDisk(content, model: model)
            for mode in [0o644, 0o444, 0o777] {
                try FileManager.default.setAttributes(
                    [.posixPermissions: mode], ofItemAtPath: disk.path("model.onnx"))
                #expect(disk.agentRefusal(key.publicKey, version: version) == nil)
            }
            #expect(disk.commandLineRefusal(key.publicKey, version: version) == nil)
        }
    }

    @Test(
        "links and pipes are refused as what they are",
        arguments: [
            VersionMutation.fileIsLink, .directoryIsLink, .fileIsPipe,
        ])
    func notAFile(kind: VersionMutation) throws {
        var chance = SeededChance(seed: 1)
        let content = try contents(&chance)[0]
        let disk = try SignedVersionOnDisk(content, model: model)
        #expect(try kind.apply(to: disk, content, key: key, chance: &chance))
        #expect(disk.agentRefusal(key.publicKey, version: version) == "not_a_file")
    }

    @Test("versions tampered with at random are all refused, each with the name of its reason")
    func mutations() throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["EDGEORCH_MUTATIONS"].flatMap { Int($0) } ?? 300
        let seed = environment["EDGEORCH_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999)
        var chance = SeededChance(seed: seed)
        let contents = try contents(&chance)
        var reasons: [String: Int] = [:]
        var kinds: [VersionMutation: Set<String>] = [:]
        var done = 0
        var draw = 0
        while done < count {
            let kind = VersionMutation.allCases[draw % VersionMutation.allCases.count]
            let content = contents[chance.below(2)]
            draw += 1
            let disk = try SignedVersionOnDisk(content, model: model)
            guard try kind.apply(to: disk, content, key: key, chance: &chance) else { continue }
            done += 1
            let agent = disk.agentRefusal(key.publicKey, version: version)
            let commandLine = disk.commandLineRefusal(key.publicKey, version: version)
            for (who, refusal) in [("the agent", agent), ("edgectl", commandLine)] {
                let isNamed = refusal.map { !$0.hasPrefix("UNNAMED") } ?? false
                #expect(isNamed, "\(kind), number \(done) of seed \(seed): \(who) says \(refusal ?? "nothing")")
                reasons["\(who) | \(refusal ?? "ACCEPTED")", default: 0] += 1
                kinds[kind, default: []].insert(refusal ?? "ACCEPTED")
            }
        }
        print("tampered versions: \(done) of \(VersionMutation.allCases.count) kinds, seed \(seed)")
        for (reason, count) in reasons.sorted(by: { $0.key < $1.key }) { print("| \(reason) | \(count) |") }
        for kind in VersionMutation.allCases {
            print("| \(kind) | " + (kinds[kind] ?? []).sorted().joined(separator: ", ") + " |")
        }
    }
}

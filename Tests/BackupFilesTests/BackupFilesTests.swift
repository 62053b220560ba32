import Cryptography
import Fleet
import Foundation
import Testing

@testable import BackupFiles

/// Backups on the disk: written whole or not at all, verified before anything is restored.
@Suite final class BackupFilesTests {
    private let root = NSTemporaryDirectory() + "backups-\(UUID().uuidString)"
    private var place: String { root + "/to" }
    private var source: String { root + "/data" }

    init() throws {
        try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
        try Data("secret".utf8).write(to: URL(fileURLWithPath: source + "/assignment.key"))
        for content in ["one", "two"] { try artifact(content) }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    private func path(ofArtifact content: String, in folder: String) -> String {
        let name = SHA256().digest(of: Array(content.utf8)).hex
        return "\(folder)/sha256/\(name.prefix(2))/\(name)"
    }

    private func artifact(_ content: String) throws {
        let path = path(ofArtifact: content, in: source + "/artifacts")
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(content.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_800_000_000_000 + seconds * 1000) }

    private func begun(_ seconds: Int64) throws -> BackupWriter {
        let writer = try BackupWriter(BackupDirectory(path: place), takenAt: at(seconds))
        try writer.file("tables/devices.jsonl") { file in
            for line in ["[1]\n", "[2]\n"] { try file.put(Array(line.utf8)) }
        }
        try writer.file("tables/replies.jsonl") { _ in }
        try writer.copy(source + "/assignment.key", as: "keys/assignment.key")
        return writer
    }

    @discardableResult
    private func written(_ seconds: Int64, artifacts: Bool = true) throws -> BackupWriter.Artifacts? {
        let writer = try begun(seconds)
        let copied = artifacts ? try writer.artifacts(from: source + "/artifacts") { _, _ in } : nil
        _ = try writer.finish(BackupManifest(schema: 4, program: "1", takenAt: at(seconds), database: "sqlite"))
        return copied
    }

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("a backup holds what was put into it, for its owner only, and is restored as it was")
    func whole() throws {
        try written(1)
        let backup = try Backup(at: place)
        try backup.verify { _, _ in }
        #expect(
            backup.manifest.files.map(\.path) == [
                "keys/assignment.key", "tables/devices.jsonl", "tables/replies.jsonl",
            ])
        for file in try DurableDisk.files(below: backup.path) { #expect(try mode(backup.path + "/" + file) == 0o600) }
        #expect(try mode(place) == 0o700 && mode(backup.path) == 0o700)
        var lines: [String] = []
        try backup.lines(of: "tables/devices.jsonl") { lines.append(String(decoding: $0, as: UTF8.self)) }
        #expect(lines == ["[1]", "[2]"])
        let target = root + "/restored"
        let directory = try RestoredDirectory(path: target)
        try directory.begin()
        #expect(RestoredDirectory.isUnfinished(target))
        try directory.fill(from: backup, folder: "keys", artifacts: target + "/artifacts") { _, _ in }
        try directory.finish()
        #expect(!RestoredDirectory.isUnfinished(target))
        #expect(try String(contentsOfFile: target + "/assignment.key", encoding: .utf8) == "secret")
        #expect(try mode(target + "/assignment.key") == 0o600)
        for content in ["one", "two"] {
            let path = path(ofArtifact: content, in: target + "/artifacts")
            #expect(try String(contentsOfFile: path, encoding: .utf8) == content)
        }
    }

    @Test("the next backup copies only the artifacts that are new, and a whole one without any leaves them alone")
    func incremental() throws {
        #expect(try written(1)?.copied == 2)
        try artifact("three")
        let second = try #require(try written(2))
        #expect((second.count, second.copied, second.copiedBytes) == (3, 1, 5))
        try written(3, artifacts: false)
        #expect(try BackupDirectory(path: place).backups().count == 3)
        let newest = try Backup(at: place)
        #expect(newest.manifest.takenAt == at(3) && newest.manifest.artifacts == nil)
        try newest.verify { _, _ in }
        for name in try BackupDirectory(path: place).backups() { try Backup(at: place + "/" + name).verify { _, _ in } }
    }

    @Test("each file that was flipped, cut, emptied or removed is found before anything is restored, and named")
    func damaged() throws {
        try written(1)
        let path = try Backup(at: place).path
        let artifacts = ["one", "two"].map { self.path(ofArtifact: $0, in: place + "/artifacts") }
        for file in try DurableDisk.files(below: path).map({ path + "/" + $0 }) + artifacts {
            let whole = try Data(contentsOf: URL(fileURLWithPath: file))
            var flips: [Data?] = [nil, whole + [0x0A]]
            for place in Set([0, whole.count / 2, whole.count - 1]) where whole.indices.contains(place) {
                var flipped = whole
                flipped[place] ^= 1
                flips += [flipped, whole.prefix(place)]
            }
            for damage in flips {
                try FileManager.default.removeItem(atPath: file)
                if let damage { try damage.write(to: URL(fileURLWithPath: file)) }
                let error = #expect(throws: BackupError.self, "\(file)") {
                    try Backup(at: path).verify { _, _ in }
                }
                // Of a manifest and its digest nobody knows which one is damaged.
                let name = (file as NSString).lastPathComponent.replacing("manifest.json", with: "manifest.")
                let told = error?.description ?? ""
                #expect(told.contains(name) || told.contains("manifest."), "\(file): \(told)")
                try whole.write(to: URL(fileURLWithPath: file))
            }
        }
        try Backup(at: path).verify { _, _ in }
        try Data("x".utf8).write(to: URL(fileURLWithPath: path + "/tables/more.jsonl"))
        #expect(throws: BackupError.surplus(file: path + "/tables/more.jsonl")) {
            try Backup(at: path).verify { _, _ in }
        }
    }

    @Test("a backup that was cut is never taken for one, and the next one removes it")
    func cut() throws {
        #expect(throws: BackupError.nothing(path: place)) { try Backup(at: place) }
        var writer: BackupWriter? = try begun(1)
        _ = try writer?.artifacts(from: source + "/artifacts") { _, _ in }
        writer = nil
        let left = try #require(try DurableDisk.names(place).first { $0.hasSuffix(".unfinished") })
        #expect(throws: BackupError.nothing(path: place)) { try Backup(at: place) }
        #expect(throws: BackupError.self) { try Backup(at: place + "/" + left) }
        #expect(try written(2)?.copied == 0, "whole artifacts of it are used")
        #expect(try DurableDisk.names(place).filter { $0.hasSuffix(".unfinished") } == [])
        #expect(try Backup(at: place + "/").manifest.takenAt == at(2))
    }

    @Test("an artifact of the controller that is damaged itself is not backed up, and named")
    func rotten() throws {
        let path = path(ofArtifact: "two", in: source + "/artifacts")
        try Data("tw0".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: BackupError.artifactDamaged(path: path)) { try self.written(1) }
        #expect(throws: BackupError.nothing(path: place)) { try Backup(at: place) }
    }

    @Test("two backups are not written into one directory at once, and none has another's time")
    func alone() throws {
        let first = try begun(1)
        #expect(throws: BackupError.inUse(path: place)) { try self.begun(2) }
        _ = try first.finish(BackupManifest(schema: 4, program: "1", takenAt: at(1), database: "sqlite"))
        #expect(throws: BackupError.self) { try self.begun(1) }
    }

    @Test("a newer form is refused as such")
    func newer() throws {
        let writer = try begun(1)
        var manifest = BackupManifest(schema: 4, program: "1", takenAt: at(1), database: "sqlite")
        manifest.format = 2
        _ = try writer.finish(manifest)
        #expect(throws: BackupError.newerFormat(found: 2, known: 1)) { try Backup(at: place) }
    }

    @Test("nothing is restored into a directory that holds something, but over a restore that was cut")
    func occupied() throws {
        #expect(throws: BackupError.occupied(path: source, by: "artifacts")) { try RestoredDirectory(path: source) }
        let target = root + "/restored"
        let cut = try RestoredDirectory(path: target)
        try cut.begin()
        try Data("half".utf8).write(to: URL(fileURLWithPath: target + "/controller.sqlite"))
        let again = try RestoredDirectory(path: target)
        try again.begin()
        #expect(try DurableDisk.names(target) == [RestoredDirectory.mark])
    }
}

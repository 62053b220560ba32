import Cryptography
import Fleet
import Foundation
import Orchestration
import Rollouts
import Synchronization
import Testing
import WireFormat

@testable import ArtifactStorage

@Suite struct ArtifactDirectoryTests {
    private let root = NSTemporaryDirectory() + "artifacts-\(UUID().uuidString)"
    private let store: ArtifactDirectory
    private let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    private let digest: Digest

    init() throws {
        store = try ArtifactDirectory(path: root)
        digest = SHA256().digest(of: bytes)
    }

    private func piece(_ range: Range<Int>) -> [UInt8] { Array(bytes[range]) }

    private func uploads() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: root + "/uploads") }

    @Test("an artifact that is uploaded in pieces is complete when its digest is verified, and then read-only")
    func pieces() throws {
        #expect(try store.uploadStatus(digest) == nil)
        #expect(try store.beginUpload(digest, sizeBytes: 1000) == UploadStatus(offsetBytes: 0, complete: false))
        #expect(try store.append(digest, offsetBytes: 0, bytes: piece(0..<600)).offsetBytes == 600)
        #expect(try store.file(digest) == nil, "half an artifact is none")
        let last = try store.append(digest, offsetBytes: 600, bytes: piece(600..<1000))
        #expect(last == UploadStatus(offsetBytes: 1000, complete: true))
        let file = try #require(try store.file(digest))
        #expect(file.sizeBytes == 1000)
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: file.path))) == bytes)
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        #expect(mode == 0o444)
        #expect(try uploads().isEmpty)
    }

    @Test("an upload goes on where it stopped, after a restart too")
    func resumed() throws {
        _ = try store.beginUpload(digest, sizeBytes: 1000)
        _ = try store.append(digest, offsetBytes: 0, bytes: piece(0..<300))
        let next = try ArtifactDirectory(path: root)
        #expect(try next.uploadStatus(digest) == UploadStatus(offsetBytes: 300, complete: false))
        #expect(try next.beginUpload(digest, sizeBytes: 1000).offsetBytes == 300)
        #expect(try next.append(digest, offsetBytes: 300, bytes: piece(300..<1000)).complete)
    }

    @Test(
        "a piece that does not start where the upload ends is refused, and the upload stays", arguments: [0, 299, 301])
    func offset(offset: UInt64) throws {
        _ = try store.beginUpload(digest, sizeBytes: 1000)
        _ = try store.append(digest, offsetBytes: 0, bytes: piece(0..<300))
        #expect(throws: ArtifactStoreError.offsetMismatch(expected: 300, got: offset)) {
            try store.append(digest, offsetBytes: offset, bytes: piece(300..<400))
        }
        #expect(try store.append(digest, offsetBytes: 300, bytes: piece(300..<1000)).complete)
    }

    @Test("bytes with another digest are refused and discarded, and may be sent again")
    func wrongDigest() throws {
        _ = try store.beginUpload(digest, sizeBytes: 1000)
        let other = [1] + bytes.dropFirst()
        #expect(throws: ArtifactStoreError.digestMismatch(expected: digest, got: SHA256().digest(of: other))) {
            try store.append(digest, offsetBytes: 0, bytes: other)
        }
        #expect(try store.file(digest) == nil && store.uploadStatus(digest) == nil)
        #expect(try uploads().isEmpty)
        #expect(throws: ArtifactStoreError.uploadNotStarted(digest)) {
            try store.append(digest, offsetBytes: 0, bytes: bytes)
        }
        _ = try store.beginUpload(digest, sizeBytes: 1000)
        #expect(try store.append(digest, offsetBytes: 0, bytes: bytes).complete)
    }

    @Test("a truncated file is refused whatever was announced")
    func truncated() throws {
        _ = try store.beginUpload(digest, sizeBytes: 999)
        #expect(throws: ArtifactStoreError.self) { try store.append(digest, offsetBytes: 0, bytes: piece(0..<999)) }
        #expect(try store.file(digest) == nil)
        _ = try store.beginUpload(digest, sizeBytes: 1000)
        _ = try store.append(digest, offsetBytes: 0, bytes: piece(0..<999))
        #expect(try store.file(digest) == nil)
    }

    @Test("more bytes than announced are refused")
    func tooLarge() throws {
        _ = try store.beginUpload(digest, sizeBytes: 999)
        #expect(throws: ArtifactStoreError.tooLarge(announced: 999)) {
            try store.append(digest, offsetBytes: 0, bytes: bytes)
        }
        #expect(throws: ArtifactStoreError.sizeMismatch(announced: 999, got: 1000)) {
            try store.beginUpload(digest, sizeBytes: 1000)
        }
    }

    @Test("an artifact that is there is not uploaded again")
    func present() throws {
        _ = try store.beginUpload(digest, sizeBytes: 1000)
        _ = try store.append(digest, offsetBytes: 0, bytes: bytes)
        #expect(try store.beginUpload(digest, sizeBytes: 1000) == UploadStatus(offsetBytes: 1000, complete: true))
        #expect(try store.append(digest, offsetBytes: 0, bytes: [1]).complete)
        #expect(throws: ArtifactStoreError.sizeMismatch(announced: 1000, got: 5)) {
            try store.beginUpload(digest, sizeBytes: 5)
        }
        #expect(try store.file(digest)?.sizeBytes == 1000)
    }

    @Test("an empty artifact is complete as soon as it is announced")
    func empty() throws {
        let nothing = SHA256().digest(of: [])
        #expect(try store.beginUpload(nothing, sizeBytes: 0) == UploadStatus(offsetBytes: 0, complete: true))
        #expect(try store.file(nothing)?.sizeBytes == 0)
    }

    @Test("any range of an artifact can be read from its file")
    func ranges() throws {
        _ = try store.beginUpload(digest, sizeBytes: 1000)
        _ = try store.append(digest, offsetBytes: 0, bytes: bytes)
        let file = try #require(try store.file(digest))
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file.path))
        defer { try? handle.close() }
        for range in [0..<1, 500..<700, 999..<1000] {
            try handle.seek(toOffset: UInt64(range.lowerBound))
            #expect(try handle.read(upToCount: range.count).map { [UInt8]($0) } == piece(range))
        }
    }

    @Test("several who upload the same artifact at once finish it once, each going on from where it stands")
    func concurrent() throws {
        let (store, digest, bytes) = (store, digest, bytes)
        let faults = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            do {
                try Self.upload(bytes, as: digest, to: store)
            } catch {
                faults.withLock { $0.append("\(error)") }
            }
        }
        #expect(faults.withLock { $0 }.isEmpty)
        let file = try #require(try store.file(digest))
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: file.path))) == bytes)
        #expect(try uploads().isEmpty)
    }

    private static func upload(_ bytes: [UInt8], as digest: Digest, to store: ArtifactDirectory) throws {
        var status = try store.beginUpload(digest, sizeBytes: UInt64(bytes.count))
        while !status.complete {
            let piece = Array(bytes[Int(status.offsetBytes)...].prefix(10))
            do {
                status = try store.append(digest, offsetBytes: status.offsetBytes, bytes: piece)
            } catch ArtifactStoreError.offsetMismatch {
                // Another one was faster: on from where it stands.
                status = try #require(try store.uploadStatus(digest))
            }
        }
    }

    @Test("an upload of which only the announcement is left starts anew")
    func torn() throws {
        _ = try store.beginUpload(digest, sizeBytes: 1000)
        _ = try store.append(digest, offsetBytes: 0, bytes: piece(0..<300))
        try FileManager.default.removeItem(atPath: "\(root)/uploads/\(digest.hex).part")
        #expect(try store.uploadStatus(digest) == nil)
        #expect(try store.beginUpload(digest, sizeBytes: 1000).offsetBytes == 0)
        #expect(try store.append(digest, offsetBytes: 0, bytes: bytes).complete)
    }

    @Test("artifacts and uploads are listed with their size and the moment of their last byte, and removed as listed")
    func retention() throws {
        #expect(try store.files().isEmpty)
        let other = SHA256().digest(of: [1, 2])
        _ = try store.beginUpload(digest, sizeBytes: 1000)
        _ = try store.append(digest, offsetBytes: 0, bytes: bytes)
        _ = try store.beginUpload(other, sizeBytes: 2)
        _ = try store.append(other, offsetBytes: 0, bytes: [1])
        let long = Date(timeIntervalSinceNow: -8 * 86_400)
        for name in try uploads() {
            try FileManager.default.setAttributes([.modificationDate: long], ofItemAtPath: root + "/uploads/" + name)
        }
        let files = try store.files()
        #expect(files.map(\.digest) == [digest, other])
        #expect(files.map(\.isComplete) == [true, false])
        #expect(files.map(\.sizeBytes) == [1000, 1])
        #expect(abs((files.last?.storedAt.seconds ?? 0) - long.timeIntervalSince1970) < 1)
        #expect(abs((files.first?.storedAt.seconds ?? 0) - Date().timeIntervalSince1970) < 60)
        for file in files { #expect(try store.remove(file)) }
        #expect(try store.files().isEmpty)
        #expect(try store.file(digest) == nil)
        #expect(try store.uploadStatus(other) == nil)
        for file in files { #expect(try !store.remove(file), "what is gone is not removed") }
    }

    @Test("an upload that went on since it was listed is not removed, and what a crash left of one is")
    func resumedMeanwhile() throws {
        _ = try store.beginUpload(digest, sizeBytes: 1000)
        let listed = try #require(try store.files().first)
        _ = try store.append(digest, offsetBytes: 0, bytes: piece(0..<10))
        #expect(try !store.remove(listed))
        #expect(try store.uploadStatus(digest)?.offsetBytes == 10)
        try FileManager.default.removeItem(atPath: root + "/uploads/\(digest.hex).part")
        let left = try #require(try store.files().first)
        #expect(try store.remove(left))
        #expect(try uploads().isEmpty)
    }
}

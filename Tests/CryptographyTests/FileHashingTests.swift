import Cryptography
import Fleet
import Foundation
import ModelTrust
import Testing

@Suite struct FileHashingTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test("a file of any size has the digest of its bytes", arguments: [0, 1, 1 << 20, (1 << 20) + 1, 2_500_000])
    func sizes(count: Int) throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try directory.write(content, to: "file")
        let hashed = try FileHashing.sha256(ofFile: "\(directory.path)/file")
        #expect(hashed.digest == SHA256().digest(of: content))
        #expect(hashed.sizeBytes == UInt64(count))
    }

    @Test("a small file is read whole, and a larger one than allowed is refused")
    func contents() throws {
        try directory.write([1, 2, 3], to: "file")
        let path = "\(directory.path)/file"
        #expect(try FileHashing.contents(ofFile: path, limitBytes: 3) == [1, 2, 3])
        #expect(throws: FileAccessError.tooLarge(path: path, limitBytes: 2)) {
            try FileHashing.contents(ofFile: path, limitBytes: 2)
        }
    }

    @Test("an absent file, a directory and a link are refused by name")
    func unreadable() throws {
        let absent = "\(directory.path)/absent"
        let refusal = #expect(throws: FileAccessError.self) { try FileHashing.sha256(ofFile: absent) }
        #expect(refusal?.description == "Could not open \(absent): No such file or directory (errno 2).")
        #expect(throws: FileAccessError.specialFile(path: directory.path)) {
            try FileHashing.sha256(ofFile: directory.path)
        }
        try FileManager.default.createSymbolicLink(atPath: absent, withDestinationPath: directory.path)
        #expect(throws: FileAccessError.symbolicLink(path: absent)) { try FileHashing.sha256(ofFile: absent) }
    }

    @Test("a listing is sorted by bytes and leaves out the signature alone")
    func listing() throws {
        for name in ["b", "a/z", "a-b", "model.sig", "a/model.sig", "A"] { try directory.write([1], to: name) }
        try FileManager.default.createDirectory(atPath: "\(directory.path)/empty", withIntermediateDirectories: true)
        let listing = try DirectoryListing.read(directory.path)
        #expect(listing.files.map(\.path.rawValue) == ["A", "a-b", "a/model.sig", "a/z", "b"])
        #expect(listing.sizeBytes == 5)
    }

    @Test("names that are no paths are refused", arguments: ["a\\b", "new\nline"])
    func names(name: String) throws {
        try directory.write([1], to: name)
        let refusal = #expect(throws: FileAccessError.self) { try DirectoryListing.read(directory.path) }
        #expect(refusal?.code == "path_forbidden")
    }

    @Test("directories nested beyond the limit are refused")
    func depth() throws {
        try directory.write([1], to: String(repeating: "d/", count: 32) + "f")
        let refusal = #expect(throws: FileAccessError.self) { try DirectoryListing.read(directory.path) }
        #expect(refusal?.code == "files_too_many")
    }
}

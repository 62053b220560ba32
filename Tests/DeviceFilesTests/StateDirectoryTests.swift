import DeviceAgent
import Fleet
import Foundation
import Testing

@testable import DeviceFiles

/// What every disk of the agent must do, on a real one.
@Suite struct StateDirectoryTests {
    let root: String
    let files: StateDirectory

    init() throws {
        root = NSTemporaryDirectory() + "state-" + UUID().uuidString
        files = try StateDirectory(root: root)
    }

    @Test("bytes written are bytes read, and replaced ones are gone")
    func bytes() throws {
        #expect(try files.read("a") == nil)
        try files.write("a", [1, 2, 3], isSecret: false)
        try files.sync("a")
        try files.write("a", [4], isSecret: false)
        #expect(try files.read("a") == [4])
        try files.write("a", [5, 6], at: 1)
        #expect(try files.read("a") == [4, 5, 6])
        try files.write("a", [9], at: 0)
        #expect(try files.read("a") == [9], "what lies behind a write is cut off")
    }

    @Test("a secret is readable by its owner alone")
    func secret() throws {
        try files.write("secret", [1], isSecret: true)
        let mode = try FileManager.default.attributesOfItem(atPath: root + "/secret")[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("a symbolic link is replaced in one step by a rename")
    func links() throws {
        try files.makeDirectory("m")
        try files.makeSymbolicLink("m/current", to: "versions/a")
        try files.makeSymbolicLink("m/current.new", to: "versions/b")
        try files.rename("m/current.new", to: "m/current")
        try files.syncDirectory("m")
        #expect(try files.symbolicLink("m/current") == "versions/b")
        #expect(try files.symbolicLink("m/none") == nil)
        #expect(try files.list("m") == [DirectoryEntry(name: "current", kind: .other)])
    }

    @Test("a hard link shares the bytes and is counted")
    func hardLinks() throws {
        try files.write("a", [1], isSecret: false)
        try files.link("a", to: "b")
        try files.link("a", to: "b")
        #expect(try files.facts("a") == FileFacts(sizeBytes: 1, links: 2))
        try files.remove("a")
        #expect(try files.facts("b") == FileFacts(sizeBytes: 1, links: 1))
    }

    @Test("removing takes files, links and empty directories, and nothing that is not there")
    func remove() throws {
        try files.makeDirectory("d")
        try files.write("d/a", [1], isSecret: false)
        #expect(throws: StorageFault.self) { try files.remove("d") }
        try files.remove("d/a")
        try files.remove("d")
        try files.remove("d")
        #expect(try files.facts("d") == nil)
    }

    @Test("room is reserved without changing the length")
    func reserve() throws {
        try files.reserve("big", sizeBytes: 1 << 20)
        #expect(try files.facts("big")?.sizeBytes == 0)
        #expect(try files.freeBytes() > 0)
    }

    @Test("a digest is the SHA-256 of the bytes")
    func digest() throws {
        try files.write("abc", Array("abc".utf8), isSecret: false)
        // FIPS 180-4, example of SHA-256.
        #expect(
            try files.digest("abc").hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test("a second agent on the same directory is refused, and may start when the first is gone")
    func lock() throws {
        let other = NSTemporaryDirectory() + "state-" + UUID().uuidString
        do {
            let first = try StateDirectory(root: other)
            #expect { try StateDirectory(root: other) } throws: { "\($0)".contains("another agent") }
            #expect(first.root == other)
        }
        _ = try StateDirectory(root: other)
    }

    @Test("a symbolic link where a file should be is not followed")
    func noFollow() throws {
        try files.makeSymbolicLink("trap", to: "/etc/passwd")
        #expect(throws: StorageFault.self) { try files.read("trap") }
        #expect(throws: StorageFault.self) { try files.write("trap", [1], isSecret: false) }
    }

    @Test("a disk without room says so", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func full() {
        let fault = StorageFault(systemError: ENOSPC, operation: "write", path: "a")
        #expect(fault.isFull)
        #expect("\(fault)".contains("make room"))
    }
}

import Fleet
import Testing

@testable import ModelTrust

@Suite struct ChunkListTests {
    private let digest = Digest(hex: String(repeating: "ab", count: 32))

    @Test("a list is read as it was written")
    func roundTrip() throws {
        let (path, digest) = (try ArtifactPath("model.bin"), try #require(digest))
        let list = ChunkList(chunkBytes: 1 << 20, digests: [path: [digest, digest]])
        let read = try ChunkList(parsing: list.serialized())
        #expect(read == list)
        #expect(read.digests(of: path, sizeBytes: (1 << 20) + 1) == [digest, digest])
    }

    @Test("a file of another size, an empty one and one that is not listed have no pieces")
    func otherSizes() throws {
        let (path, digest) = (try ArtifactPath("model.bin"), try #require(digest))
        let list = ChunkList(chunkBytes: 1 << 20, digests: [path: [digest, digest], try ArtifactPath("empty"): []])
        #expect(list.digests(of: path, sizeBytes: 1 << 20) == nil)
        #expect(list.digests(of: path, sizeBytes: (2 << 20) + 1) == nil)
        #expect(list.digests(of: try ArtifactPath("empty"), sizeBytes: 0) == nil)
        #expect(list.digests(of: try ArtifactPath("other"), sizeBytes: 1) == nil)
    }

    @Test(
        "what is no list is refused with the reason",
        arguments: [
            "", "[]", "{}", #"{"chunkBytes":1,"files":{}}"#, #"{"chunkBytes":1048576}"#,
            #"{"chunkBytes":1048576,"files":{"../up":[]}}"#, #"{"chunkBytes":1048576,"files":{"a":["ab"]}}"#,
            #"{"chunkBytes":1048576,"files":{"a":{}}}"#, #"{"chunkBytes":1048576,"files":{},"more":1}"#,
        ])
    func refused(text: String) {
        #expect { try ChunkList(parsing: Array(text.utf8)) } throws: { "\($0)".hasPrefix("edge-chunks.json: ") }
    }

    @Test(
        "pieces grow with the file, so that there are not too many",
        arguments: [
            (1, 1), (1 << 30, 1), (8 << 30, 2), (100 << 30, 16), (1 << 50, 64),
        ])
    func size(sizeBytes: UInt64, mebibytes: UInt64) {
        #expect(ChunkList.chunkBytes(forLargest: sizeBytes) == mebibytes << 20)
    }
}

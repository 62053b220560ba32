internal import CurlClient
internal import Fleet

/// An answer that is no part of the file that was asked for, whatever its status says.
public struct ArtifactAnswerFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// A sentence for a person.
    public let description: String
}

/// What an answer's head says of the bytes that follow.
///
/// Proxies, and worse, answer with other parts, other files and pages of their own; what can be seen in the head is
/// refused before its bytes are paid for. That the bytes themselves are right is for their digests to say.
struct ArtifactAnswer {
    private let head: CurlResponseHead
    private let digest: Digest
    private let sizeBytes: UInt64

    init(_ head: CurlResponseHead, digest: Digest, sizeBytes: UInt64) {
        self.head = head
        self.digest = digest
        self.sizeBytes = sizeBytes
    }

    /// The offset of the first byte that follows; 0 for a refusal, whose text is no part of anything.
    func start(of wanted: Range<UInt64>) throws(ArtifactAnswerFault) -> UInt64 {
        guard (200..<300).contains(head.status) else { return 0 }
        if let tag = head.headers["etag"], tag != "\"\(digest)\"", tag != "W/\"\(digest)\"" {
            throw ArtifactAnswerFault(description: "the answer is of another file: its ETag is \(tag.prefix(80))")
        }
        guard head.status == 206 else {
            if let length = head.headers["content-length"], UInt64(length) != sizeBytes {
                throw ArtifactAnswerFault(
                    description: "the answer has \(length.prefix(20)) bytes where the file has \(sizeBytes)")
            }
            return 0
        }
        let told = head.headers["content-range"] ?? "none"
        guard told == "bytes \(wanted.lowerBound)-\(wanted.upperBound - 1)/\(sizeBytes)" else {
            throw ArtifactAnswerFault(
                description: "bytes \(wanted) were asked for, and the range of the answer is \(told.prefix(80))")
        }
        return wanted.lowerBound
    }
}

import WebMessages

/// The stretch of an artifact that a request asks for (RFC 9110 section 14).
enum ByteRange: Hashable, Sendable {
    /// All of it.
    case whole
    /// From the first byte to the last one, inclusive.
    case part(ClosedRange<UInt64>)
    /// A stretch that lies behind the end.
    case unsatisfiable

    /// Reads `Range` and `If-Range`.
    ///
    /// A field that cannot be read, several ranges and another version mean all of it, as the RFC allows.
    init(_ request: WebRequest, sizeBytes: UInt64, tag: EntityTag) {
        guard let field = request.header("range"), field.hasPrefix("bytes="),
            request.header("if-range").map({ $0 == tag.description }) ?? true
        else {
            self = .whole
            return
        }
        let ends = field.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, ends.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            self = .whole
            return
        }
        switch (UInt64(ends[0]), UInt64(ends[1])) {
        case (nil, nil):
            self = .whole
        case (let first?, nil):
            self = ends[1].isEmpty ? Self.from(first, to: .max, of: sizeBytes) : .whole
        case (nil, let count?):
            self =
                ends[0].isEmpty && count > 0
                ? Self.from(sizeBytes - min(count, sizeBytes), to: .max, of: sizeBytes)
                : ends[0].isEmpty ? .unsatisfiable : .whole
        case (let first?, let last?):
            self = first <= last ? Self.from(first, to: last, of: sizeBytes) : .whole
        }
    }

    private static func from(_ first: UInt64, to last: UInt64, of size: UInt64) -> ByteRange {
        first < size ? .part(first...min(last, size - 1)) : .unsatisfiable
    }
}

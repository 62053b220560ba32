/// Where a file lies inside a version's directory: a relative POSIX path that cannot leave it.
///
/// Parts are separated by `/`; none is empty, `.` or `..`; there is no backslash and no control character. Two paths
/// are equal only if their bytes are: Unicode's canonical equivalence would let one signed name stand for two files.
public struct ArtifactPath: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The path as text.
    public let rawValue: String

    /// The file that says what a version is.
    public static let manifest = ArtifactPath(trusted: "edge-version.json")
    /// The file that holds a version's signature; it lies beside the signed files and is not signed itself.
    public static let signature = ArtifactPath(trusted: "model.sig")

    /// The digests of the pieces of large files, where a version has some.
    public static let chunks = ArtifactPath(trusted: "edge-chunks.json")

    /// How OpenSSF Model Signing names a model that is one file and no directory; no file of a version has this name.
    public static let wholeFile = ArtifactPath(trusted: ".")

    /// Makes a path.
    ///
    /// - Throws: ``InvalidArtifactPath`` with the rule that the text breaks.
    public init(_ text: String) throws(InvalidArtifactPath) {
        if let fault = Self.fault(in: Array(text.utf8)) { throw InvalidArtifactPath(text: text, fault: fault) }
        rawValue = text
    }

    /// The path as text.
    public var description: String { rawValue }

    /// Equal when the bytes are.
    public static func == (left: Self, right: Self) -> Bool {
        left.rawValue.utf8.elementsEqual(right.rawValue.utf8)
    }

    /// Orders by bytes.
    public static func < (left: Self, right: Self) -> Bool {
        left.rawValue.utf8.lexicographicallyPrecedes(right.rawValue.utf8)
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        for byte in rawValue.utf8 { hasher.combine(byte) }
    }

    private init(trusted text: String) { rawValue = text }

    private static func fault(in bytes: [UInt8]) -> String? {
        guard !bytes.isEmpty else { return "it is empty" }
        guard bytes.count <= 1024 else { return "it is longer than 1024 bytes" }
        guard bytes.first != UInt8(ascii: "/") else { return "it is absolute" }
        guard !bytes.contains(UInt8(ascii: "\\")) else { return "it contains a backslash" }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return "it contains a control character" }
        for part in bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if part.isEmpty { return "a part of it is empty" }
            if part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8) { return "a part of it is '.' or '..'" }
            if part.count > 255 { return "a part of it is longer than 255 bytes" }
        }
        return nil
    }
}

/// A text that is no path inside a version's directory, and the rule it breaks.
public struct InvalidArtifactPath: Error, Hashable, Sendable, CustomStringConvertible {
    /// The refused text.
    public let text: String
    /// The broken rule, as a clause.
    public let fault: String

    /// Makes an error.
    public init(text: String, fault: String) {
        self.text = text
        self.fault = fault
    }

    /// A sentence for a person.
    public var description: String { "\"\(text.prefix(80))\" is not a valid path in a version: \(fault)" }
}

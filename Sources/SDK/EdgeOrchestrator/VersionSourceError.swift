/// Why a file or a directory cannot become a version; each says what to do.
public enum VersionSourceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was given cannot be used as it is.
    case invalid(String)
    /// The machine could not do its part: a disk that is full, a permission.
    case failed(String)

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .invalid(let text), .failed(let text): text
        }
    }
}

/// What is wrong with a file of a trace, where, and what to do about it.
public struct TraceFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file's path.
    public var file: String
    /// The line, counted from 1; nil where the whole file is meant.
    public var line: Int?
    /// What is wrong and what to do.
    public var fault: String

    /// Names a fault.
    public init(file: String, line: Int? = nil, fault: String) {
        self.file = file
        self.line = line
        self.fault = fault
    }

    /// `observations.csv:17: what is wrong`.
    public var description: String { "\(file)\(line.map { ":\($0)" } ?? ""): \(fault)" }
}

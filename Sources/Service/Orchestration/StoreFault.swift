/// What keeps a store from keeping what it should, as callers may know it: no hosts, no names, no values.
public enum StoreFault: String, CaseIterable, Hashable, Sendable {
    /// There is no connection to the database.
    case unreachable
    /// The database does not answer in time.
    case slow
    /// The database takes no more connections.
    case busy
    /// The database has no room.
    case full
    /// Another controller has the database.
    case takenOver = "taken_over"
    /// It is not known whether a commit took place.
    case unsettled

    /// What happened, for people.
    public var sentence: String {
        switch self {
        case .unreachable: "the controller's database cannot be reached"
        case .slow: "the controller's database does not answer in time"
        case .busy: "the controller's database takes no more connections"
        case .full: "the controller's database has no room"
        case .takenOver: "another controller has taken this one's database over"
        case .unsettled: "the controller does not know yet whether this took place"
        }
    }
}

/// An error of a store that says what kind it is.
public protocol StoreFaultError: Error {
    /// The kind; nil for what is none of them.
    var fault: StoreFault? { get }
}

extension UnsettledCommit: StoreFaultError {
    /// See ``StoreFaultError``.
    public var fault: StoreFault? { .unsettled }
}

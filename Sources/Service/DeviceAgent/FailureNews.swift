/// Which of a loop's failures are worth a line of the log: the first of each kind until something succeeds.
///
/// A controller that is away and comes back without knowing the device fails twice for two reasons; the second is what
/// a person needs to read, however long the first went on.
struct FailureNews {
    private var told: Set<String> = []

    /// Notes a failure, and says whether none of its kind was noted since the last success.
    ///
    /// The kind of a controller's answer is its case and its status, not its words: those may differ every time.
    mutating func isNews(_ error: any Error) -> Bool {
        told.insert(Self.kind(of: error)).inserted
    }

    /// Notes a success: whatever fails next is news.
    mutating func succeeded() { told = [] }

    private static func kind(of error: any Error) -> String {
        switch error as? ControllerFault {
        case .unreachable: "unreachable"
        case .unavailable: "unavailable"
        case .busy: "busy"
        case .refused(let status, _): "refused \(status)"
        case nil: "\(type(of: error))"
        }
    }
}

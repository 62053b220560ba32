import CanaryAnalysis

extension Recommendation {
    /// True for a rollback by any cause.
    var isRollback: Bool {
        if case .rollback = self { true } else { false }
    }

    /// True where the step may advance.
    var isAdvance: Bool {
        if case .advance = self { true } else { false }
    }

    /// The code of a reason to wait; nil for anything else.
    var waitCode: String? {
        switch self {
        case .hold(let reason), .undecided(let reason), .noData(let reason): reason.code
        case .rollback, .halt, .advance: nil
        }
    }
}

extension Selector {
    /// The selector of what both match.
    public func and(_ other: Selector) -> Selector {
        Selector(requirements: requirements + other.requirements)
    }

    /// Whether every set of labels that this selector matches is matched by the other one too, whatever devices there
    /// are.
    ///
    /// Exact: requirements are joined by "and", and each is about one key.
    public func isWithin(_ other: Selector) -> Bool {
        let own = Dictionary(grouping: requirements, by: \.key).mapValues(LabelRange.init)
        guard !own.values.contains(where: \.isEmpty) else { return true }
        let others = Dictionary(grouping: other.requirements, by: \.key).mapValues(LabelRange.init)
        return others.allSatisfy { key, range in (own[key] ?? LabelRange([])).isWithin(range) }
    }
}

/// What one label may be.
private struct LabelRange {
    private var mayBeAbsent = true
    /// The values it may have; where `excludes` is set, all others.
    private var values: Set<String> = []
    private var excludes = true

    init(_ requirements: [Selector.Requirement]) {
        for requirement in requirements {
            switch requirement {
            case .isOne(let some, _):
                mayBeAbsent = false
                values = excludes ? Set(some).subtracting(values) : values.intersection(some)
                excludes = false
            case .isNone(let some, _):
                if excludes { values.formUnion(some) } else { values.subtract(some) }
            case .exists:
                mayBeAbsent = false
            case .doesNotExist:
                values = []
                excludes = false
            }
        }
    }

    var isEmpty: Bool { !mayBeAbsent && !excludes && values.isEmpty }

    func isWithin(_ other: LabelRange) -> Bool {
        guard other.mayBeAbsent || !mayBeAbsent else { return false }
        switch (excludes, other.excludes) {
        case (false, false): return values.isSubset(of: other.values)
        case (false, true): return values.isDisjoint(with: other.values)
        case (true, true): return other.values.isSubset(of: values)
        case (true, false): return false
        }
    }
}

extension TestPlan {
    /// How a step is judged.
    public enum Method: String, Codable, Hashable, Sendable, CaseIterable {
        /// By the draw: a permutation test over the cohorts that could have been drawn.
        case draw
        /// By a model of devices, because a person picked the cohort: valid as far as the model is.
        case model
        /// By absolute rules, because the list is too small for a test: nothing is proven.
        case absolute

        /// The method in words, for people.
        public var words: String {
            switch self {
            case .draw: "by its draw"
            case .model: "model-based, because a person picked the canaries"
            case .absolute: "by absolute rules, one device at a time: not proven"
            }
        }
    }

    private enum OlderKeys: String, CodingKey {
        case isRandomised
    }

    /// The method of a plan that was written before methods had names.
    static func olderMethod(_ decoder: any Decoder) throws -> Method {
        let isRandomised = try decoder.container(keyedBy: OlderKeys.self).decodeIfPresent(
            Bool.self, forKey: .isRandomised)
        return isRandomised == false ? .model : .draw
    }
}

extension KeyedDecodingContainer {
    /// A document that was written before methods had names was judged by its draw.
    func decode(_ type: TestPlan.Method.Type, forKey key: Key) throws -> TestPlan.Method {
        try decodeIfPresent(type, forKey: key) ?? .draw
    }
}

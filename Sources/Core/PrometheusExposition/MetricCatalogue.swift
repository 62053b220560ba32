/// Every family there is, in the order in which `/metrics` shows them.
///
/// Dashboards, alert rules and documentation name only families of the catalogue; checks read it as JSON lines.
public struct MetricCatalogue: Sendable {
    /// Families about one subject.
    public struct Section: Sendable, Hashable {
        /// The subject, such as `Fleet`.
        public let title: String
        /// The families in the order they are shown.
        public let families: [MetricFamily]

        /// Groups families.
        public init(_ title: String, _ families: [MetricFamily]) {
            self.title = title
            self.families = families
        }
    }

    /// The sections in the order they are shown.
    public let sections: [Section]

    /// Makes a catalogue.
    ///
    /// - Throws: ``InvalidMetricFamily`` for a declaration that breaks a convention or a name that is taken.
    public init(sections: [Section]) throws(InvalidMetricFamily) {
        var taken: Set<String> = []
        for family in sections.flatMap(\.families) {
            try family.validate()
            guard taken.insert(family.openMetricsName).inserted else {
                throw InvalidMetricFamily(name: family.name, fault: "the name is taken")
            }
        }
        self.sections = sections
    }

    /// For the standard catalogue, which a test validates.
    init(trusted sections: [Section]) {
        self.sections = sections
    }

    /// All families in the order they are shown.
    public var families: [MetricFamily] { sections.flatMap(\.families) }

    /// The catalogue as JSON lines: one object per family with section, name, type, unit, labels, bounds and help.
    public var jsonLines: String {
        var text = ""
        for section in sections {
            for family in section.families {
                text += Self.jsonObject(family, section: section.title) + "\n"
            }
        }
        return text
    }

    private static func jsonObject(_ family: MetricFamily, section: String) -> String {
        let labels = family.labels.map { label in
            "{\"name\":\(json(label.name)),\"known\":\(label.known.map(jsonList) ?? "null")}"
        }
        let members = [
            "\"section\":\(json(section))", "\"name\":\(json(family.name))", "\"type\":\(json(family.type.rawValue))",
            "\"unit\":\(family.unit.map(json) ?? "null")", "\"labels\":[\(labels.joined(separator: ","))]",
            "\"bounds\":[\(family.bounds.map { "\($0)" }.joined(separator: ","))]", "\"help\":\(json(family.help))",
        ]
        return "{\(members.joined(separator: ","))}"
    }

    private static func jsonList(_ texts: [String]) -> String {
        "[\(texts.map(json).joined(separator: ","))]"
    }

    /// Quotes a text; validated declarations hold no control characters.
    private static func json(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}

/// A text format of Prometheus, and which one a scraper wants.
///
/// Source: Prometheus documentation, "Scrape protocol content negotiation".
public enum ExpositionFormat: String, Sendable, Hashable, CaseIterable {
    /// The classic text format 0.0.4, which every scraper reads.
    case text
    /// OpenMetrics 1.0, which also carries exemplars.
    case openMetrics

    /// The value of the answer's `Content-Type` field.
    public var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// Picks the format with the highest q value; OpenMetrics where both are wanted alike.
    ///
    /// - Parameter accept: the request's `Accept` field; nil where it has none.
    /// - Returns: the classic text for a missing field and for one that names nothing known.
    public static func negotiate(accept: String?) -> ExpositionFormat {
        var best: (format: ExpositionFormat, weight: Double)?
        for range in (accept ?? "").split(separator: ",") {
            guard let (format, weight) = read(range), weight > 0 else { continue }
            let isBetter = best.map { weight > $0.weight || (weight == $0.weight && format == .openMetrics) } ?? true
            if isBetter { best = (format, weight) }
        }
        return best?.format ?? .text
    }

    /// Reads one media range such as `text/plain;version=0.0.4;q=0.3`; nil where it asks for something else.
    private static func read(_ range: Substring) -> (format: ExpositionFormat, weight: Double)? {
        var parameters = range.split(separator: ";", omittingEmptySubsequences: false).map { trimmed($0) }
        let type = parameters.removeFirst().lowercased()
        var weight = 1.0
        var version: String?
        for parameter in parameters {
            let pair = parameter.split(separator: "=", maxSplits: 1).map { trimmed($0) }
            guard pair.count == 2 else { continue }
            switch pair[0].lowercased() {
            case "q":
                guard let value = Double(pair[1]), value >= 0, value <= 1 else { return nil }
                weight = value
            case "version": version = pair[1].filter { $0 != "\"" }
            default: continue
            }
        }
        switch (type, version) {
        case ("application/openmetrics-text", nil), ("application/openmetrics-text", "1.0.0"):
            return (.openMetrics, weight)
        case ("text/plain", nil), ("text/plain", "0.0.4"), ("text/*", _), ("*/*", _):
            return (.text, weight)
        default:
            return nil
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = text.firstIndex(where: { !isBlank($0) }), let last = text.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(text[first...last])
    }
}

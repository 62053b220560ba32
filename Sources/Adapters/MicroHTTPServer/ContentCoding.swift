/// Decides whether a response is sent with gzip (RFC 9110 sections 8.4 and 12.5.3).
enum ContentCoding {
    /// Bodies below this many bytes gain nothing: headers and one packet dominate.
    static let minimumBytes = 1024

    /// Whether an `Accept-Encoding` value prefers gzip to an unencoded body.
    static func acceptsGzip(_ acceptEncoding: String?) -> Bool {
        guard let acceptEncoding else { return false }
        var gzip: Double?
        var identity: Double?
        var other: Double?
        for element in acceptEncoding.split(separator: ",") {
            let parts = element.split(separator: ";").map { trimmed($0).lowercased() }
            guard let coding = parts.first else { continue }
            let weight = weight(of: parts.dropFirst())
            switch coding {
            case "gzip", "x-gzip": gzip = max(gzip ?? 0, weight)
            case "identity": identity = weight
            case "*": other = weight
            default: break
            }
        }
        let offered = gzip ?? other ?? 0
        return offered > 0 && offered >= identity ?? 0
    }

    /// Whether bodies of that type shrink: text, JSON, XML, JavaScript and their `+json` and `+xml` relatives.
    static func isCompressible(contentType: String?) -> Bool {
        guard let type = contentType?.split(separator: ";").first.map({ trimmed($0).lowercased() }) else {
            return false
        }
        return type.hasPrefix("text/") || type.hasSuffix("+json") || type.hasSuffix("+xml") || exact.contains(type)
    }

    private static let exact: Set<String> = [
        "application/json", "application/xml", "application/javascript", "application/yaml", "application/x-yaml",
        "application/openmetrics-text", "image/svg+xml",
    ]

    /// The `q` parameter in 0...1; 1 when absent, 0 when it is not a number.
    private static func weight(of parameters: ArraySlice<String>) -> Double {
        for parameter in parameters where parameter.hasPrefix("q=") {
            return Double(parameter.dropFirst(2)).map { min(1, max(0, $0)) } ?? 0
        }
        return 1
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}

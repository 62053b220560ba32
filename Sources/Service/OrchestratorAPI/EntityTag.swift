import Fleet
import WebMessages
import WireFormat

/// A strong entity tag and the conditions a request puts on it (RFC 9110 section 13).
struct EntityTag: Hashable, Sendable, CustomStringConvertible {
    /// The tag without its quotes.
    let opaque: String

    init(_ opaque: some CustomStringConvertible) { self.opaque = "\(opaque)" }

    /// The tag of a JSON document: its digest, cut to 32 digits.
    init(json: [UInt8], digest: (([UInt8]) -> Digest)) { opaque = String(digest(json).hex.prefix(32)) }

    /// The tag as it is sent.
    var description: String { "\"\(opaque)\"" }

    /// The header field that tells the tag.
    var header: (name: String, value: String) { (name: "ETag", value: description) }

    /// Whether a list of tags (`If-Match`, `If-None-Match`) names this one, or any.
    func isNamed(in field: String) -> Bool {
        field.split(separator: ",").contains { piece in
            let tag = piece.filter { $0 != " " && $0 != "\t" }
            return tag == "*" || tag == description || tag == "W/\(description)"
        }
    }

    /// Whether the caller has this representation already.
    func isKnown(to request: WebRequest) -> Bool {
        request.header("if-none-match").map { isNamed(in: $0) } ?? false
    }

    /// Nothing new.
    var notModified: WebResponse { WebResponse(status: 304, headers: [header]) }
}

extension WebRequest {
    /// Refuses a change where the caller's conditions do not hold.
    ///
    /// - Parameter current: the tag of what is there now; nil where there is nothing.
    /// - Throws: ``WireFormat/Problem`` with status 412.
    func checkPreconditions(current: EntityTag?) throws {
        if let wanted = header("if-match"), !(current.map { $0.isNamed(in: wanted) } ?? false) {
            throw Problem.preconditionFailed(
                current == nil ? "it does not exist" : "it was changed by somebody else",
                remedy: "read it again and repeat the change on what is there now")
        }
        if let unwanted = header("if-none-match"), let current, current.isNamed(in: unwanted) {
            throw Problem.preconditionFailed("it exists already", remedy: "use If-Match with its ETag to change it")
        }
    }
}

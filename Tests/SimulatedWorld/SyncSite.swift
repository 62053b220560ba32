import Fleet

/// A place in the agent that syncs, by what is synced and what was done just before.
///
/// Paths lose what differs from run to run: digests, numbers and the journal's slot.
struct SyncSite: Hashable, Comparable, CustomStringConvertible {
    let description: String

    init(_ operation: String, _ path: String, after previous: String) {
        let parts = path.split(separator: "/").map { part -> String in
            let name = part.hasSuffix(".new") ? part.dropLast(4) : part
            let ending = part.hasSuffix(".new") ? ".new" : ""
            if let dot = name.firstIndex(of: "."), Self.isVariable(name[..<dot]) {
                return "*\(name[dot...])\(ending)"
            }
            return (Self.isVariable(name) ? "*" : String(name)) + ending
        }
        let place = parts.first == "journal" && parts.count == 2 ? "journal/*" : parts.joined(separator: "/")
        description = "\(operation) \(place.isEmpty ? "." : place), after \(previous)"
    }

    func isMeant(_ operation: String, _ path: String, after previous: String) -> Bool {
        self == SyncSite(operation, path, after: previous)
    }

    static func < (first: SyncSite, second: SyncSite) -> Bool { first.description < second.description }

    private static func isVariable(_ name: Substring) -> Bool {
        name.count >= 2 && name.allSatisfy(\.isHexDigit)
    }
}

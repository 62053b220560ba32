import Fleet

/// Reads the members of one JSON object by name and type, and says which member is wrong and how.
struct FieldReader {
    private let members: [String: JSONValue]
    private let place: String

    /// Opens an object; `place` names it in faults (`run`) and is empty for a whole document.
    init(_ value: JSONValue, at place: String = "") throws(FieldFault) {
        guard case .object(let members) = value else {
            throw FieldFault("\(place.isEmpty ? "the document" : place) must be an object")
        }
        self.members = members
        self.place = place
    }

    /// The member if it is there; `null` counts as absent.
    func optional(_ name: String) -> JSONValue? {
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    func required(_ name: String) throws(FieldFault) -> JSONValue {
        guard let value = optional(name) else { throw FieldFault("\(path(name)) is missing") }
        return value
    }

    func object(_ name: String) throws(FieldFault) -> FieldReader {
        try FieldReader(try required(name), at: path(name))
    }

    func optionalObject(_ name: String) throws(FieldFault) -> FieldReader? {
        guard let value = optional(name) else { return nil }
        return try FieldReader(value, at: path(name))
    }

    func array(_ name: String) throws(FieldFault) -> [JSONValue] {
        guard case .array(let values) = try required(name) else { throw FieldFault("\(path(name)) must be an array") }
        return values
    }

    func string(_ name: String) throws(FieldFault) -> String {
        guard case .string(let text) = try required(name) else { throw FieldFault("\(path(name)) must be a string") }
        return text
    }

    func optionalString(_ name: String) throws(FieldFault) -> String? {
        optional(name) == nil ? nil : try string(name)
    }

    func number(_ name: String) throws(FieldFault) -> Double {
        switch try required(name) {
        case .integer(let number): return Double(number)
        case .number(let number): return number
        default: throw FieldFault("\(path(name)) must be a number")
        }
    }

    func integer(_ name: String) throws(FieldFault) -> Int64 {
        guard case .integer(let number) = try required(name) else {
            throw FieldFault("\(path(name)) must be an integer")
        }
        return number
    }

    /// A count that every JSON reader holds exactly: 0 to 2^53 - 1 (RFC 7493 section 2.2).
    func count(_ name: String) throws(FieldFault) -> UInt64 {
        let number = try integer(name)
        guard (0..<(1 << 53)).contains(number) else { throw FieldFault("\(path(name)) must be within 0 and 2^53 - 1") }
        return UInt64(number)
    }

    func optionalCount(_ name: String) throws(FieldFault) -> UInt64? {
        optional(name) == nil ? nil : try count(name)
    }

    /// A yes or no; no where the member is missing.
    func flag(_ name: String) throws(FieldFault) -> Bool {
        guard let value = optional(name) else { return false }
        guard case .bool(let isSet) = value else { throw FieldFault("\(path(name)) must be true or false") }
        return isSet
    }

    func digest(_ name: String) throws(FieldFault) -> Digest {
        guard let digest = Digest(hex: try string(name)) else {
            throw FieldFault("\(path(name)) must be 64 lower-case hexadecimal digits (SHA-256)")
        }
        return digest
    }

    func name<Subject: NameSubject>(_ name: String, of subject: Subject.Type) throws(FieldFault) -> Name<Subject> {
        let text = try string(name)
        do {
            return try Name(text)
        } catch {
            throw FieldFault("\(path(name)): \(error)")
        }
    }

    func artifactPath(_ name: String) throws(FieldFault) -> ArtifactPath {
        let text = try string(name)
        do {
            return try ArtifactPath(text)
        } catch {
            throw FieldFault("\(path(name)): \(error)")
        }
    }

    /// Members whose values are all strings.
    func strings() throws(FieldFault) -> [String: String] {
        var strings: [String: String] = [:]
        for name in members.keys.sorted() { strings[name] = try string(name) }
        return strings
    }

    /// Refuses members that this program does not know.
    func allowOnly(_ names: Set<String>) throws(FieldFault) {
        let unknown = members.keys.filter { !names.contains($0) }.sorted()
        if let first = unknown.first { throw FieldFault("\(path(first)) is not known here") }
    }

    private func path(_ name: String) -> String { place.isEmpty ? name : "\(place).\(name)" }
}

/// What is wrong with a member, as a clause.
struct FieldFault: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

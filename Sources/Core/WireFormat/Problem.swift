public import Rollouts

/// A problem as HTTP APIs tell it (RFC 9457), with the fields that are wrong.
public struct Problem: Error, Codable, Hashable, Sendable, CustomStringConvertible {
    /// A stable code for machines, such as `unknown_field`; sent as `type` `urn:edgeorch:problem:<code>`.
    public var code: String
    /// A short title that does not vary with the occurrence.
    public var title: String
    /// The HTTP status.
    public var status: Int
    /// What happened here and what to do about it.
    public var detail: String
    /// The faulty fields.
    public var faults: [FieldFault]
    /// After how many seconds the sender asks to come back; nil where it does not.
    ///
    /// A header field, and no member.
    public var retryAfterSeconds: Double?

    private enum CodingKeys: String, CodingKey {
        case type, title, status, detail, faults
    }

    /// The prefix of every `type`.
    public static let typePrefix = "urn:edgeorch:problem:"

    /// Makes a problem.
    public init(code: String, title: String, status: Int, detail: String, faults: [FieldFault] = []) {
        self.code = code
        self.title = title
        self.status = status
        self.detail = detail
        self.faults = faults
    }

    /// Reads problem details; unknown types keep their text as the code.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let type = try fields.decodeIfPresent(String.self, forKey: .type) ?? "about:blank"
        code = type.hasPrefix(Self.typePrefix) ? String(type.dropFirst(Self.typePrefix.count)) : type
        title = try fields.decodeIfPresent(String.self, forKey: .title) ?? ""
        status = try fields.decodeIfPresent(Int.self, forKey: .status) ?? 0
        detail = try fields.decodeIfPresent(String.self, forKey: .detail) ?? ""
        faults = try fields.decodeIfPresent([FieldFault].self, forKey: .faults) ?? []
    }

    /// Writes problem details.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(Self.typePrefix + code, forKey: .type)
        try fields.encode(title, forKey: .title)
        try fields.encode(status, forKey: .status)
        try fields.encode(detail, forKey: .detail)
        if !faults.isEmpty { try fields.encode(faults, forKey: .faults) }
    }

    /// Detail and faults in one line.
    public var description: String {
        faults.isEmpty ? detail : detail + " (" + faults.map(\.description).joined(separator: "; ") + ")"
    }
}

/// One page of a list.
public struct Page<Item: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    /// The items of this page.
    public var items: [Item]
    /// Give this as `after` to get the next page; nil on the last one.
    public var next: String?

    /// Makes a page.
    public init(items: [Item], next: String? = nil) {
        self.items = items
        self.next = next
    }
}

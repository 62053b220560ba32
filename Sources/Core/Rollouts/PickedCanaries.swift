public import Fleet

/// The devices that a person picked for the first step of a deployment's rollouts, in place of a draw.
///
/// Written as a selector's text or as a list of device ids.
public enum PickedCanaries: Hashable, Sendable {
    /// The deployment's devices that a selector matches.
    case selector(Selector)
    /// Devices by name, in the order they were given.
    case devices([DeviceID])

    /// Whether a device was picked.
    public func contains(_ id: DeviceID, labels: Labels) -> Bool {
        switch self {
        case .selector(let selector): selector.matches(labels)
        case .devices(let ids): ids.contains(id)
        }
    }

    /// Reads what a person types: device ids joined by commas, or a selector, which says how a label must be.
    ///
    /// - Throws: what is wrong with the text, in words.
    public init(text: String) throws {
        guard !text.isEmpty, !text.contains(where: { "=!() ".contains($0) }) else {
            self = .selector(try Selector(text))
            return
        }
        self = .devices(try text.split(separator: ",").map { try DeviceID(String($0)) })
    }
}

extension PickedCanaries: Codable {
    /// Reads a selector's text or a list of ids.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            self = .devices(try container.decode([DeviceID].self))
        } catch DecodingError.typeMismatch {
            self = .selector(try container.decode(Selector.self))
        }
    }

    /// Writes a selector's text or a list of ids.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .selector(let selector): try container.encode(selector)
        case .devices(let ids): try container.encode(ids)
        }
    }
}

extension PickedCanaries: CustomStringConvertible {
    /// The selector's text, or the ids joined by commas.
    public var description: String {
        switch self {
        case .selector(let selector): selector.isEmpty ? "every device" : selector.description
        case .devices(let ids): ids.map(\.rawValue).joined(separator: ",")
        }
    }
}

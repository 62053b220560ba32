internal import Fleet

/// One fact about a device's hardware, as a literal: `"raspberry_pi_4"`, `4`, `1.5` or `true`.
public struct HardwareValue: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
    /// The value of the label that it becomes.
    public let description: String

    /// Takes a text as it is.
    public init(_ text: String) { description = text }
    /// Takes a text as it is.
    public init(stringLiteral value: String) { description = value }
    /// Takes a number.
    public init(integerLiteral value: Int) { description = "\(value)" }
    /// Takes a number; one without a fraction is written without a point.
    public init(floatLiteral value: Double) {
        description = value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }
    /// Takes `true` or `false`.
    public init(booleanLiteral value: Bool) { description = value ? "true" : "false" }
}

extension Labels {
    /// Facts about hardware as labels, so that selectors find the device by them; a character that a label may not hold
    /// becomes `_`.
    init(hardware: [String: HardwareValue]) throws(InvalidLabels) {
        var labels: [String: String] = [:]
        for (key, value) in hardware { labels[Self.plain(key)] = Self.plain(value.description) }
        try self.init(labels)
    }

    private static func plain(_ text: String) -> String {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: false
            }
        }
        var bytes = text.utf8.map { byte in
            isAlphanumeric(byte) || [0x2D, 0x2E, 0x5F].contains(byte) ? byte : 0x5F
        }[...]
        bytes = bytes.drop { !isAlphanumeric($0) }.prefix(63)
        while let last = bytes.last, !isAlphanumeric(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}

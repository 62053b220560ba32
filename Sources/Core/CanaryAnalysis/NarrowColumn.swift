/// One number for each device, kept as narrow as no number changes by it: counts of a tick are whole and mostly small.
///
/// The short windows of a large list hold most of what a judge remembers. A byte holds what a device counts in a tick
/// up to 255, two bytes up to 65,535; whatever does not fit stays a `Float`.
enum NarrowColumn: Sendable {
    case bytes([UInt8])
    case words([UInt16])
    case floats([Float])

    init(_ values: [Float]) {
        if let bytes = Self.narrowed(values, to: UInt8.self) {
            self = .bytes(bytes)
        } else if let words = Self.narrowed(values, to: UInt16.self) {
            self = .words(words)
        } else {
            self = .floats(values)
        }
    }

    /// The numbers, as they were put in.
    var values: [Float] {
        switch self {
        case .bytes(let bytes): bytes.map { Float($0) }
        case .words(let words): words.map { Float($0) }
        case .floats(let floats): floats
        }
    }

    /// The numbers as whole ones of a type; nil where one of them does not fit.
    private static func narrowed<Narrow: FixedWidthInteger & UnsignedInteger>(
        _ values: [Float], to type: Narrow.Type
    ) -> [Narrow]? {
        let largest = Float(Narrow.max)
        var narrowed = [Narrow](repeating: 0, count: values.count)
        for (index, value) in values.enumerated() {
            guard value >= 0, value <= largest else { return nil }
            let whole = Int32(value)
            guard Float(whole) == value else { return nil }
            narrowed[index] = Narrow(truncatingIfNeeded: whole)
        }
        return narrowed
    }
}

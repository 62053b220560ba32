/// A request target taken apart: the decoded path and query of `/v1/devices?limit=10` (RFC 9112 section 3.2).
struct RequestTarget: Equatable {
    /// The percent-decoded path, which starts with `/`.
    let path: String
    /// The query parameters in their order, decoded.
    let query: [Parameter]

    struct Parameter: Equatable {
        let name: String
        let value: String
    }

    /// Why a target is refused.
    enum Fault: Error, Equatable {
        case notAbsolute
        case unescapedByte
        case brokenPercentEncoding
        case notUTF8
        case nulByte
    }

    /// Takes a target in origin form, or in absolute form (`http://host/path`), apart.
    init(_ raw: [UInt8]) throws(Fault) {
        guard raw.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { throw .unescapedByte }
        let origin = Self.originForm(raw[...])
        guard origin.first == UInt8(ascii: "/") else { throw .notAbsolute }
        let parts = origin.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        path = try Self.decode(parts[0], plusIsSpace: false)
        var query: [Parameter] = []
        if parts.count == 2 {
            for piece in parts[1].split(separator: UInt8(ascii: "&")) {
                let pair = piece.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                let name = try Self.decode(pair[0], plusIsSpace: true)
                let value = pair.count == 2 ? try Self.decode(pair[1], plusIsSpace: true) : ""
                query.append(Parameter(name: name, value: value))
            }
        }
        self.query = query
    }

    /// What follows scheme and authority; proxies send the absolute form.
    private static func originForm(_ raw: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        for scheme in ["http://", "https://"] where raw.starts(with: scheme.utf8) {
            let rest = raw.dropFirst(scheme.utf8.count)
            let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
            guard let end, rest[end] == UInt8(ascii: "/") else { return ArraySlice("/".utf8) }
            return rest[end...]
        }
        return raw
    }

    /// Decodes `%41` (RFC 3986 section 2.1) and, in a query, `+` for a space (the HTML form encoding).
    private static func decode(_ raw: ArraySlice<UInt8>, plusIsSpace: Bool) throws(Fault) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(raw.count)
        var index = raw.startIndex
        while index < raw.endIndex {
            switch raw[index] {
            case UInt8(ascii: "%"):
                guard index + 2 < raw.endIndex, let high = hexDigit(raw[index + 1]), let low = hexDigit(raw[index + 2])
                else { throw .brokenPercentEncoding }
                bytes.append(high << 4 | low)
                index += 2
            case UInt8(ascii: "+") where plusIsSpace:
                bytes.append(UInt8(ascii: " "))
            case let byte:
                bytes.append(byte)
            }
            index += 1
        }
        guard !bytes.contains(0) else { throw .nulByte }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
        return text
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension RequestTarget.Fault {
    /// What is wrong, as a sentence for the client.
    var detail: String {
        switch self {
        case .notAbsolute: "The request target must start with '/'."
        case .unescapedByte: "The request target contains a space or control character; percent-encode it."
        case .brokenPercentEncoding: "The request target contains '%' without two hexadecimal digits after it."
        case .notUTF8: "The request target is not UTF-8 after percent-decoding."
        case .nulByte: "The request target contains an encoded NUL byte."
        }
    }
}

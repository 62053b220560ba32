public import Fleet
import ModelTrust
public import WireFormat

/// An audit log as lines of JSON: the signed head, then each row with its hash, each checkpoint behind its last row.
///
/// Where retention has removed rows, the signed beginning and the checkpoints of the removed rows come before the rows.
public enum AuditExport {
    /// The longest line that is read, in bytes.
    public static let lineLimitBytes = 1 << 20

    /// The first line: the signed head.
    public static func line(head: String) -> [UInt8] {
        JSONValue.object(["head": .string(head)]).serialized()
    }

    /// Where the log begins, since retention removed what was before.
    public static func line(beginning: String) -> [UInt8] {
        JSONValue.object(["beginning": .string(beginning)]).serialized()
    }

    /// A row.
    public static func line(_ event: AuditEvent, hash: Digest) -> [UInt8] {
        JSONValue.object(["event": AuditChain.canonical(event), "hash": .string(hash.hex)]).serialized()
    }

    /// A checkpoint.
    public static func line(checkpoint: String) -> [UInt8] {
        JSONValue.object(["checkpoint": .string(checkpoint)]).serialized()
    }

    /// A line as it was read.
    enum Line {
        case head(String)
        case beginning(String)
        case checkpoint(String)
        case event(AuditEvent, hash: Digest)

        /// Reads a line; nil for anything that was not written by the functions above, byte for byte.
        init?(_ text: [UInt8]) {
            guard let document = try? JSONValue(parsing: text, limits: JSONLimits(bytes: AuditExport.lineLimitBytes)),
                case .object(let members) = document, document.serialized() == text
            else { return nil }
            if members.count == 1, case .string(let text)? = members.values.first {
                switch members.keys.first {
                case "head": self = .head(text)
                case "beginning": self = .beginning(text)
                case "checkpoint": self = .checkpoint(text)
                default: return nil
                }
                return
            }
            switch (members.count, members["event"], members["hash"]) {
            case (2, let row?, .string(let hash)?):
                guard let event = Self.event(row), let hash = Digest(hex: hash),
                    AuditChain.canonical(event) == row
                else { return nil }
                self = .event(event, hash: hash)
            default: return nil
            }
        }

        private static func event(_ value: JSONValue) -> AuditEvent? {
            guard case .object(let members) = value, case .integer(let number)? = members["number"], number > 0,
                case .string(let at)? = members["at"], let at = Timestamp(at),
                case .string(let actor)? = members["actor"], case .string(let action)? = members["action"],
                case .string(let subject)? = members["subject"], case .object(let detail)? = members["detail"]
            else { return nil }
            var texts: [String: String] = [:]
            for (name, value) in detail {
                guard case .string(let text) = value else { return nil }
                texts[name] = text
            }
            return AuditEvent(
                number: UInt64(number), at: at, actor: actor, action: action, subject: subject, detail: texts)
        }
    }
}

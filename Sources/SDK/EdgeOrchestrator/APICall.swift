internal import CurlClient

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// One call of a route, before the server and the key are added.
struct APICall {
    let method: String
    let path: String
    var query: [(name: String, value: String)] = []
    var headers: [(name: String, value: String)] = []
    var body = CurlBody.none
    var timeoutSeconds: Double? = Orchestrator.timeoutSeconds
    var slowestBytesPerSecond: Int?
    var maxResponseBytes = 64 << 20
    /// Whether it may be sent twice: it reads, says what shall be, or is known by a key.
    var isRepeatable: Bool
    var cancellation: CurlCancellation?

    init(_ method: String, _ path: String) {
        self.method = method
        self.path = "/v1/" + path
        isRepeatable = ["GET", "PUT", "DELETE"].contains(method)
    }

    static func get(_ path: String) -> APICall { APICall("GET", path) }
    static func delete(_ path: String) -> APICall { APICall("DELETE", path) }

    static func sending(_ method: String, _ path: String, _ value: some Encodable) throws(OrchestratorError) -> APICall
    {
        var call = APICall(method, path)
        call.body = .bytes(try WireJSON.encode(value))
        call.headers.append((name: "Content-Type", value: "application/json"))
        return call
    }

    /// The same call under a key of its own, so that the controller carries it out once however often it arrives.
    func once(_ key: String = UUID().uuidString) -> APICall {
        var call = self
        call.headers.append((name: "Idempotency-Key", value: key))
        call.isRepeatable = true
        return call
    }

    /// The same call, which a cancelled task breaks off.
    func until(_ cancellation: CurlCancellation?) -> APICall {
        var call = self
        call.cancellation = cancellation
        return call
    }

    /// The same call with a question in its query; nil adds nothing.
    func asking(_ name: String, _ value: String?) -> APICall {
        guard let value else { return self }
        var call = self
        call.query.append((name: name, value: value))
        return call
    }

    /// Path and query.
    var target: String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0.name)=\(Self.escaped($0.value))" }.joined(separator: "&")
    }

    var description: String { "\(method) \(path)" }

    /// Everything but RFC 3986's unreserved characters becomes %XX (section 2.3).
    static func escaped(_ text: String) -> String {
        let hexadecimal = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
            default: bytes += [0x25, hexadecimal[Int(byte >> 4)], hexadecimal[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

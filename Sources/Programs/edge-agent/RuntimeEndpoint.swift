import CurlClient
import DeviceAgent

/// The model runtime on the loopback address.
struct RuntimeEndpoint: RuntimeProbing {
    private let port: Int
    private let client = CurlClient(userAgent: "edge-agent", idleHandleLimit: 2)

    init(port: Int) {
        self.port = port
    }

    func get(_ path: String, timeoutSeconds: Double) throws -> ProbeReply {
        try send(CurlRequest(url: address(path)), timeoutSeconds)
    }

    func post(_ path: String, json: [UInt8], timeoutSeconds: Double) throws -> ProbeReply {
        let type = (name: "Content-Type", value: "application/json")
        return try send(
            CurlRequest(method: "POST", url: address(path), headers: [type], body: .bytes(json)), timeoutSeconds)
    }

    private func send(_ request: CurlRequest, _ timeoutSeconds: Double) throws -> ProbeReply {
        var limited = request
        limited.timeoutSeconds = timeoutSeconds
        limited.connectTimeoutSeconds = min(1, timeoutSeconds)
        let response = try client.send(limited)
        return ProbeReply(status: response.status, body: response.body)
    }

    private func address(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }
}

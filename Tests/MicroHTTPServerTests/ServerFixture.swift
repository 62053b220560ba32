import CurlClient
import Foundation
import MicroHTTPServer
import Synchronization
import WebMessages

/// A handler made of two closures.
struct ClosureHandler: WebHandler {
    var plan: @Sendable (WebRequest) -> WebBodyPlan = { _ in .buffered(limitBytes: 1 << 20) }
    let answer: @Sendable (WebRequest, @escaping @Sendable (WebResponse) -> Void) -> Void

    func plan(_ request: WebRequest) -> WebBodyPlan {
        plan(request)
    }

    func handle(_ request: WebRequest, respond: @escaping @Sendable (WebResponse) -> Void) {
        answer(request, respond)
    }
}

/// Keeps what the server counted.
final class RecordingObserver: WebServerObserver {
    private struct State {
        var finished: [FinishedRequest] = []
        var rejected: [RejectionReason] = []
    }

    private let state = Mutex(State())

    var finished: [FinishedRequest] {
        state.withLock { $0.finished }
    }

    var rejected: [RejectionReason] {
        state.withLock { $0.rejected }
    }

    func requestFinished(_ request: FinishedRequest) {
        state.withLock { $0.finished.append(request) }
    }

    func requestRejected(_ reason: RejectionReason) {
        state.withLock { $0.rejected.append(reason) }
    }
}

/// Collects respond closures, so that a test answers when it wants to.
final class HeldAnswers: Sendable {
    typealias Respond = @Sendable (WebResponse) -> Void
    private let waiting = Mutex<[Respond]>([])

    func hold(_ respond: @escaping Respond) {
        waiting.withLock { $0.append(respond) }
    }

    /// Answers all that wait, each with this text.
    func answerAll(_ text: String) {
        let all = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for respond in all {
            respond(.text(text))
        }
    }
}

/// A running server on a free port of the loopback interface, with a client for it.
final class ServerFixture: Sendable {
    let server: MicroHTTPServer
    let observer = RecordingObserver()
    let client = CurlClient(userAgent: "tests")

    init(
        _ handler: ClosureHandler, configure: (inout MicroHTTPServer.Configuration) -> Void = { _ in }
    ) throws {
        var configuration = MicroHTTPServer.Configuration()
        configure(&configuration)
        server = MicroHTTPServer(configuration: configuration, handler: handler, observer: observer)
        try server.start()
    }

    /// A server whose answers are made at once.
    convenience init(
        configure: (inout MicroHTTPServer.Configuration) -> Void = { _ in },
        answer: @escaping @Sendable (WebRequest) -> WebResponse
    ) throws {
        try self.init(ClosureHandler { request, respond in respond(answer(request)) }, configure: configure)
    }

    deinit {
        server.stop(withinSeconds: 1)
    }

    func url(_ path: String) -> String {
        "http://127.0.0.1:\(server.port)\(path)"
    }

    func get(_ path: String, headers: [(name: String, value: String)] = []) throws -> CurlResponse {
        try client.send(CurlRequest(url: url(path), headers: headers))
    }

    func connect() throws -> RawConnection {
        try RawConnection(port: server.port)
    }
}

extension WebResponse {
    static func text(_ text: String, status: Int = 200) -> WebResponse {
        WebResponse(status: status, headers: [("Content-Type", "text/plain")], body: .bytes(Array(text.utf8)))
    }
}

extension CurlResponse {
    var text: String {
        String(decoding: body, as: UTF8.self)
    }
}

/// Looks every 5 ms whether something became true; false when it did not within 5 s.
func eventually(within seconds: Double = 5, _ condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        if condition() {
            return true
        }
        Thread.sleep(forTimeInterval: 0.005)
    }
    return condition()
}

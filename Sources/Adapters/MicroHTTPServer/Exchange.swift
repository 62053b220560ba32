import Synchronization
internal import WebMessages

/// One request and its answer, from the request line to the end of the response.
///
/// libmicrohttpd's thread drives it through `progressed` and `ended`; `answer` comes from any thread, once or never.
/// The race between suspending the connection and being answered at that moment is settled by one lock: the
/// connection is suspended and resumed only inside it, so that each suspension sees its answer or is resumed by it.
final class Exchange: Sendable {
    private enum Phase {
        /// The request line is read. Becomes `receiving`, `draining` or `queued`.
        case requestLine(target: [UInt8])
        /// The body arrives. Becomes `handling`, `draining` or `queued`.
        case receiving(RequestHead)
        /// The answer is known before the body has ended; what remains of it is dropped. Becomes `queued`.
        case draining(PreparedResponse, droppedBytes: UInt64)
        /// The handler is asked. Becomes `ready` by its answer, or `suspended` when it returns without one.
        case handling
        /// The connection waits for the answer. Becomes `ready`.
        case suspended(ConnectionHandle)
        /// The answer is known; the library's thread has to fetch it. Becomes `queued`.
        case ready(PreparedResponse)
        /// The library sends the answer. Becomes `ended`.
        case queued(PreparedResponse)
        /// The library is done with the request; a later answer is dropped.
        case ended
    }

    private struct State {
        var phase: Phase
        var body = BodyCollector(bufferedLimitBytes: 0, expectedBytes: 0)
        var method = ""
        var acceptsGzip = false
        var headersComplete = ContinuousClock.now
    }

    private let core: ServerCore
    private let record: ConnectionRecord
    private let state: Mutex<State>

    /// A request line with this target was read on that connection.
    init(core: ServerCore, record: ConnectionRecord, target: [UInt8]) {
        self.core = core
        self.record = record
        state = Mutex(State(phase: .requestLine(target: target)))
    }

    /// The library has something: the complete header fields, a piece of the body, its end, or a resumed connection.
    ///
    /// Returns false to have the connection closed.
    func progressed(_ connection: ConnectionHandle, _ line: RequestHead.Line, piece: [UInt8]?) -> Bool {
        switch state.withLock({ $0.phase }) {
        case .requestLine(let target):
            return headersCompleted(connection, line, target)
        case .receiving(let head):
            guard let piece else { return handle(head, connection) }
            return pieceArrived(piece)
        case .draining(let response, let dropped):
            guard let piece else { return queue(response, connection) }
            return drop(piece, response, dropped + UInt64(piece.count))
        case .ready(let response):
            return queue(response, connection)
        case .handling, .suspended, .queued, .ended:
            return true
        }
    }

    /// The handler answers.
    ///
    /// What comes twice, or after the client is gone, is dropped.
    func answer(_ response: WebResponse) {
        let acceptsGzip = state.withLock { $0.acceptsGzip }
        guard let prepared = PreparedResponse.prepare(response, acceptsGzip: acceptsGzip) else { return }
        state.withLock { state in
            switch state.phase {
            case .handling:
                state.phase = .ready(prepared)
            case .suspended(let connection):
                state.phase = .ready(prepared)
                release(connection)
            case .requestLine, .receiving, .draining, .ready, .queued, .ended:
                break
            }
        }
    }

    /// The server answers instead of the handler, if the request is still held, and counts it.
    func releaseIfHeld(_ response: WebResponse, reason: RejectionReason) {
        guard let prepared = PreparedResponse.prepare(response, acceptsGzip: false) else { return }
        let isReleased = state.withLock { state in
            guard case .suspended(let connection) = state.phase else { return false }
            state.phase = .ready(prepared)
            release(connection)
            return true
        }
        if isReleased {
            core.observer.requestRejected(reason)
        }
    }

    /// The library is done with the request: sent, failed or given up.
    ///
    /// `libraryStatus` is the status it sends.
    func ended(isComplete: Bool, libraryStatus: Int) {
        let now = ContinuousClock.now
        let (phase, method, start) = state.withLock { state in
            defer { state.phase = .ended }
            return (state.phase, state.method, state.headersComplete)
        }
        record.requestEnded(now: now)
        if case .queued(let response) = phase {
            core.observer.requestFinished(
                FinishedRequest(
                    method: method, status: response.status, durationSeconds: (now - start) / .seconds(1),
                    bodyBytes: response.bodyBytes, isComplete: isComplete))
        } else if let reason = RejectionReason(libraryStatus: libraryStatus) {
            core.observer.requestRejected(reason)
        }
        core.requestEnded()
    }

    /// Resumes a suspended connection; called inside the lock, which proves that it is suspended and alive.
    private func release(_ connection: ConnectionHandle) {
        core.heldRequestsChanged(by: -1)
        connection.resume()
    }
}

extension Exchange {
    private func headersCompleted(
        _ connection: ConnectionHandle, _ line: RequestHead.Line, _ target: [UInt8]
    ) -> Bool {
        let now = ContinuousClock.now
        let headers = connection.headers()
        state.withLock { state in
            state.method = line.method
            state.headersComplete = now
            state.acceptsGzip = ContentCoding.acceptsGzip(headers["accept-encoding"])
        }
        record.phaseChanged(.receivingBody(since: now, received: 0))
        let head: RequestHead
        do {
            guard target.count <= core.configuration.targetLimitBytes else {
                return refuse(.targetTooLong(limitBytes: core.configuration.targetLimitBytes), .uriTooLong, connection)
            }
            head = try RequestHead(
                line: line, target: target, headers: headers, peer: record.peer,
                certificate: record.peerCertificate { connection.clientCertificate })
        } catch {
            // After a malformed request the next one's start is not certain either.
            return refuse(.malformed(error.detail), .malformed, connection)
        }
        guard !core.isStopping.load(ordering: .sequentiallyConsistent) else {
            return refuse(.stopping, .stopping, head, connection)
        }
        return bodyPlanned(core.handler.plan(head.request), head, connection)
    }

    private func bodyPlanned(_ plan: WebBodyPlan, _ head: RequestHead, _ connection: ConnectionHandle) -> Bool {
        let body: BodyCollector
        switch plan {
        case .refused(let response):
            return refuse(response, nil, head, connection)
        case .buffered(let limitBytes):
            body = BodyCollector(bufferedLimitBytes: limitBytes, expectedBytes: head.framing.lengthBytes ?? 0)
        case .streamed(let limitBytes, let receive):
            body = BodyCollector(streamedLimitBytes: limitBytes, receive: receive)
        }
        if let length = head.framing.lengthBytes, length > body.limitBytes {
            return refuse(.bodyTooLarge(limitBytes: body.limitBytes), .bodyTooLarge, head, connection)
        }
        state.withLock { state in
            state.body = body
            state.phase = .receiving(head)
        }
        return true
    }

    private func pieceArrived(_ piece: [UInt8]) -> Bool {
        record.bodyArrived(bytes: piece.count)
        switch state.withLock({ $0.body.pieceArrived(piece) }) {
        case .taken:
            break
        case .deliver(let receive):
            do {
                try receive(piece)
            } catch {
                // The receiver keeps its own error: the handler, called at the end, answers with it.
                state.withLock { $0.body.receiverFailed() }
            }
        case .tooLong:
            core.observer.requestRejected(.bodyTooLarge)
            let limitBytes = state.withLock { $0.body.limitBytes }
            return drain(.bodyTooLarge(limitBytes: limitBytes))
        }
        return true
    }

    private func handle(_ head: RequestHead, _ connection: ConnectionHandle) -> Bool {
        var request = head.request
        state.withLock { state in
            state.phase = .handling
            request.body = state.body.bytes
            state.body = BodyCollector(bufferedLimitBytes: 0, expectedBytes: 0)
        }
        record.phaseChanged(.held(since: .now))
        core.handler.handle(request) { [self] response in
            answer(response)
        }
        return suspendUnlessAnswered(connection)
    }

    /// Queues the answer if it came while the handler ran; otherwise the connection waits for it.
    private func suspendUnlessAnswered(_ connection: ConnectionHandle) -> Bool {
        let response: PreparedResponse? = state.withLock { state in
            if case .ready(let response) = state.phase {
                return response
            }
            guard case .handling = state.phase else { return nil }
            if core.isStopping.load(ordering: .sequentiallyConsistent) {
                return PreparedResponse.prepare(.stopping, acceptsGzip: false)
            }
            state.phase = .suspended(connection)
            core.heldRequestsChanged(by: 1)
            connection.suspend()
            return nil
        }
        guard let response else { return true }
        return queue(response, connection)
    }

    private func queue(_ response: PreparedResponse, _ connection: ConnectionHandle) -> Bool {
        state.withLock { $0.phase = .queued(response) }
        record.phaseChanged(.answering)
        return connection.queue(response)
    }
}

// Refusals: answers that come before the body has ended.
extension Exchange {
    /// Answers at once and has the connection closed after it.
    private func refuse(_ response: WebResponse, _ reason: RejectionReason, _ connection: ConnectionHandle) -> Bool {
        core.observer.requestRejected(reason)
        guard let prepared = PreparedResponse.prepare(response, acceptsGzip: false) else { return false }
        return queue(prepared, connection)
    }

    /// Answers after a body that is short enough to be read and dropped, and before one that is not: a client that
    /// is still sending might lose an answer that comes with the connection's end.
    private func refuse(
        _ response: WebResponse, _ reason: RejectionReason?, _ head: RequestHead, _ connection: ConnectionHandle
    ) -> Bool {
        let isWorthDraining =
            switch head.framing {
            case .none: true
            case .length(let bytes): bytes <= core.configuration.drainLimitBytes && !head.expectsContinue
            case .chunked: !head.expectsContinue
            }
        if let reason {
            core.observer.requestRejected(reason)
        }
        guard !isWorthDraining else { return drain(response) }
        guard let prepared = PreparedResponse.prepare(response, acceptsGzip: false) else { return false }
        return queue(prepared, connection)
    }

    private func drain(_ response: WebResponse) -> Bool {
        guard let prepared = PreparedResponse.prepare(response, acceptsGzip: false) else { return false }
        state.withLock { $0.phase = .draining(prepared, droppedBytes: 0) }
        return true
    }

    /// Drops a piece; a body that does not end has its connection closed, because the library takes no answer in
    /// the middle of a body.
    private func drop(_ piece: [UInt8], _ response: PreparedResponse, _ droppedBytes: UInt64) -> Bool {
        record.bodyArrived(bytes: piece.count)
        state.withLock { $0.phase = .draining(response, droppedBytes: droppedBytes) }
        return droppedBytes <= core.configuration.drainLimitBytes
    }
}

extension RequestHead.BodyFraming {
    /// The announced length in bytes; nil for a chunked body.
    fileprivate var lengthBytes: UInt64? {
        switch self {
        case .none: 0
        case .length(let bytes): bytes
        case .chunked: nil
        }
    }
}

extension RejectionReason {
    /// The reason for which the library itself answers with that status, if it is an error it can give.
    fileprivate init?(libraryStatus: Int) {
        switch libraryStatus {
        case 413: self = .bodyTooLarge
        case 414: self = .uriTooLong
        case 431: self = .headersTooLarge
        case 400...499, 505: self = .malformed
        default: return nil
        }
    }
}

import WebMessages

/// Times one request; tells the observer of its start and, when it is answered, of its end.
struct Recording: Sendable {
    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    private let handler: String
    private let method: String
    private let observer: any APIObserver
    private let start = ContinuousClock.now

    init(_ request: WebRequest, handler: String, observer: any APIObserver) {
        self.handler = handler
        method = Self.methods.contains(request.method) ? request.method : "other"
        self.observer = observer
        observer.requestStarted()
    }

    /// Counts the answer and hands it on.
    func finished(_ response: WebResponse) -> WebResponse {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        observer.requestFinished(
            RequestRecord(handler: handler, method: method, status: response.status, seconds: seconds))
        return response
    }
}

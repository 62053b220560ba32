import WebMessages

/// How long a client lets the answer wait for something new: `Prefer: wait=50` (RFC 7240 section 4.3).
struct LongPoll: Hashable, Sendable {
    /// The longest wait, in seconds; longer wishes get this.
    static let limitSeconds = 60

    /// Seconds to wait, in 0...60.
    let seconds: Int

    /// The wish of a request; nil where it has none.
    ///
    /// A preference that cannot be read is ignored, as the RFC asks.
    init?(_ request: WebRequest) {
        for preference in (request.header("prefer") ?? "").split(whereSeparator: { $0 == "," || $0 == ";" }) {
            let pair = preference.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\"" } }
            guard pair.count == 2, pair[0].lowercased() == "wait", let seconds = Int(pair[1]), seconds > 0 else {
                continue
            }
            self.seconds = min(seconds, Self.limitSeconds)
            return
        }
        return nil
    }

    /// The header field that tells what was granted.
    var header: (name: String, value: String) { (name: "Preference-Applied", value: "wait=\(seconds)") }
}

extension Call {
    /// Answers a wait that is over, on a worker.
    ///
    /// Thousands may end at once, so where the queue is full the calling thread answers itself rather than turn a
    /// waiting device away.
    func wake(
        _ respond: @escaping @Sendable (WebResponse) -> Void,
        with action: @escaping @Sendable () throws -> WebResponse
    ) {
        let answer: @Sendable () -> Void = { respond(api.response(of: self, action)) }
        if !api.surroundings.submit(answer) { answer() }
    }
}

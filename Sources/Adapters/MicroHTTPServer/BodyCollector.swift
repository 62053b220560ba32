internal import WebMessages

/// Takes a request's body piece by piece, up to its limit.
struct BodyCollector {
    /// What to do with the next piece.
    enum Verdict {
        /// It is taken.
        case taken
        /// It is to be handed to this closure, outside of any lock.
        case deliver(@Sendable ([UInt8]) throws -> Void)
        /// The body is longer than allowed.
        case tooLong
    }

    /// The body so far, for a buffered plan.
    private(set) var bytes: [UInt8] = []
    /// How many bytes may come in all.
    let limitBytes: UInt64
    private var received: UInt64 = 0
    private var receive: (@Sendable ([UInt8]) throws -> Void)?
    private let isBuffered: Bool

    /// Collects in memory; `expectedBytes` reserves room.
    init(bufferedLimitBytes: Int, expectedBytes: UInt64) {
        limitBytes = UInt64(max(0, bufferedLimitBytes))
        isBuffered = true
        // The client's own word reserves at most what it has to send quickly anyway.
        bytes.reserveCapacity(Int(min(expectedBytes, limitBytes, 64 * 1024)))
    }

    /// Hands each piece on.
    init(streamedLimitBytes: UInt64, receive: @escaping @Sendable ([UInt8]) throws -> Void) {
        limitBytes = streamedLimitBytes
        isBuffered = false
        self.receive = receive
    }

    /// A piece has arrived.
    mutating func pieceArrived(_ piece: [UInt8]) -> Verdict {
        received += UInt64(piece.count)
        guard received <= limitBytes else { return .tooLong }
        if isBuffered {
            bytes += piece
            return .taken
        }
        return receive.map(Verdict.deliver) ?? .taken
    }

    /// The receiver threw: later pieces are dropped.
    mutating func receiverFailed() {
        receive = nil
    }
}

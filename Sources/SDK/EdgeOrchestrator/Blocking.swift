internal import CurlClient
internal import Dispatch

/// Runs calls that block on threads of their own, so that tasks of Swift concurrency never wait in one.
enum Blocking {
    private static let queue = DispatchQueue(label: "edge-orchestrator.calls", attributes: .concurrent)

    /// Runs the work on another thread; a cancelled task trips the cancellation that the work was given.
    static func run<Value: Sendable>(
        _ work: @escaping @Sendable (CurlCancellation) throws -> Value
    ) async throws -> Value {
        try Task.checkCancellation()
        let cancellation = CurlCancellation()
        return try await withTaskCancellationHandler {
            do {
                return try await withCheckedThrowingContinuation { continuation in
                    queue.async {
                        continuation.resume(with: Result { try work(cancellation) })
                    }
                }
            } catch {
                try Task.checkCancellation()
                throw error
            }
        } onCancel: {
            cancellation.cancel()
        }
    }
}

internal import CurlClient
internal import Fleet
internal import Synchronization
internal import WireFormat

extension EdgeDevice {
    /// The longest pause after failures, in seconds.
    private static let longestPauseSeconds = 60.0

    /// Sends a heartbeat now and then one in every interval, in the background, until ``stopHeartbeat()``.
    ///
    /// A controller that asks for more frequent ones gets them, as during a rollout. Failures do not end it: it goes on
    /// with growing pauses, ``heartbeatHealth`` says what is wrong, and what was counted meanwhile arrives later.
    ///
    /// - Throws: ``EdgeDeviceError`` for a device that is not registered.
    public func startHeartbeat(interval: Duration = .seconds(30)) throws {
        let boot = try nextStart()
        let connection = try connection()
        let longest = max(0.2, interval / .seconds(1))
        state.withLock { state in
            guard state.heartbeats == nil else { return }
            state.boot = boot
            state.sequence = 0
            // Ended by stopHeartbeat() or with the device, which it does not keep alive.
            state.heartbeats = Task { [weak self] in
                var pause = 0.0
                while !Task.isCancelled {
                    try? await Task.sleep(for: .seconds(pause))
                    guard !Task.isCancelled, let self else { return }
                    pause = await self.beat(by: connection, longest: longest)
                }
            }
        }
    }

    /// Ends the heartbeats, after a last one that carries what was counted since; returns within some seconds.
    public func stopHeartbeat() async {
        let task = state.withLock { state in
            defer { state.heartbeats = nil }
            return state.heartbeats
        }
        guard let task else { return }
        task.cancel()
        await task.value
        if let connection = try? connection() { _ = await beat(by: connection, longest: 1) }
    }

    /// How the heartbeats fare.
    public var heartbeatHealth: HeartbeatHealth { state.withLock { $0.health } }

    /// Counts one inference of the version that is served; nothing while none is.
    ///
    /// Cheap enough for a hot loop: no allocation, no system call but for threads that count at the same moment.
    ///
    /// - Parameters:
    ///   - latency: how long it took.
    ///   - failure: why it failed; nil for an answer.
    ///   - confidence: how sure the model was, where it says so.
    public func recordInference(latency: Duration, failure: InferenceFailure? = nil, confidence: Double? = nil) {
        let (seconds, attoseconds) = latency.components
        let microseconds = UInt64(clamping: seconds) &* 1_000_000 &+ UInt64(clamping: attoseconds / 1_000_000_000_000)
        state.withLock { state in
            state.counts?.count(microseconds: microseconds, failure: failure, confidence: confidence)
        }
    }

    // MARK: - Parts

    /// One heartbeat; the pause until the next one, in seconds.
    private func beat(by connection: DeviceConnection, longest: Double) async -> Double {
        let heartbeat = compose()
        do {
            let reply = try await Blocking.run { _ in try connection.send(heartbeat) }
            return takeIn(reply, longest: longest)
        } catch {
            return state.withLock { state in
                state.health.failures += 1
                state.health.lastFailure = "\(error)"
                let doubled = longest * Double(1 << min(state.health.failures, 5))
                let asked = (error as? Problem)?.retryAfterSeconds ?? 0
                let own = min(max(Self.longestPauseSeconds, longest), doubled) * .random(in: 0.5..<1)
                return max(own, min(asked, 3600))
            }
        }
    }

    private func compose() -> Heartbeat {
        let now = Self.milliseconds
        return state.withLock { state in
            if let series = state.serving, let counts = state.counts {
                state.book.counted(counts.totals, of: series)
            }
            state.sequence += 1
            let slot = state.serving.map { SlotStatus(model: $0.model, digest: $0.digest, healthy: true) }
            return Heartbeat(
                boot: state.boot, sequence: state.sequence, sentAt: now, assignment: state.accepted,
                slots: slot.map { [$0] } ?? [], series: state.book.report(sequence: state.sequence))
        }
    }

    private func takeIn(_ reply: HeartbeatReply, longest: Double) -> Double {
        state.withLock { state in
            state.health = HeartbeatHealth(hasArrived: true)
            state.book.acknowledged(through: reply.committedThrough, wantsBase: reply.wantsBase)
        }
        let asked = reply.intervalSeconds.isFinite ? max(0.2, reply.intervalSeconds) : longest
        return min(longest, asked) * .random(in: 0.9..<1.1)
    }
}

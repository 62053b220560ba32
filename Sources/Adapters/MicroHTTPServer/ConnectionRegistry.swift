import Synchronization

/// All open connections.
final class ConnectionRegistry: Sendable {
    private struct State {
        var records: [ObjectIdentifier: ConnectionRecord] = [:]
        var countByAddress: [String: Int] = [:]
    }

    private let state = Mutex(State())

    /// The number of open connections.
    var count: Int {
        state.withLock { $0.records.count }
    }

    /// The number of open connections from one address.
    func count(from address: String) -> Int {
        state.withLock { $0.countByAddress[address, default: 0] }
    }

    /// All connections at this moment.
    ///
    /// Complexity: O(n), outside of which the lock is free again.
    func snapshot() -> [ConnectionRecord] {
        state.withLock { Array($0.records.values) }
    }

    /// A connection was opened.
    func opened(_ record: ConnectionRecord) {
        state.withLock { state in
            state.records[ObjectIdentifier(record)] = record
            state.countByAddress[record.peer, default: 0] += 1
        }
    }

    /// A connection was closed.
    func closed(_ record: ConnectionRecord) {
        state.withLock { state in
            guard state.records.removeValue(forKey: ObjectIdentifier(record)) != nil else { return }
            let remaining = state.countByAddress[record.peer, default: 1] - 1
            state.countByAddress[record.peer] = remaining > 0 ? remaining : nil
        }
    }
}

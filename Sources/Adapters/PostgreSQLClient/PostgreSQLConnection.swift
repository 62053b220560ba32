internal import CPostgreSQL
import Glibc

/// One connection to a server.
///
/// One thread at a time may use it. Nothing waits longer than its deadline: the socket is waited for, never libpq.
@safe
public final class PostgreSQLConnection {
    /// What every connection is made with, unless its address says otherwise.
    public struct Settings: Sendable {
        /// Seconds that making a connection may take, per host.
        public var connectSeconds = 3
        /// Seconds that the server gives a statement.
        public var statementSeconds = 5.0

        /// The defaults.
        public init() {}
    }

    private let handle: OpaquePointer
    /// The names of the statements that this connection has prepared.
    private var prepared: [String: String] = [:]
    /// Whether the connection can be used no more.
    public private(set) var isBroken = false

    /// Connects, and gives the session its limits.
    ///
    /// - Throws: ``PostgreSQLError``; within `connectSeconds` per host that the address names.
    public init(_ address: PostgreSQLAddress, _ settings: Settings) throws(PostgreSQLError) {
        // What comes before `dbname` is a default, what comes after it holds.
        let options = [
            ("connect_timeout", "\(settings.connectSeconds)"), ("application_name", "edge-controller"),
            ("keepalives_idle", "5"), ("keepalives_interval", "2"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "10000"), ("dbname", address.connectionString), ("client_encoding", "UTF8"),
        ]
        guard let made = unsafe Self.connected(options) else {
            throw PostgreSQLError(.unreachable, "libpq has no memory for a connection")
        }
        unsafe handle = made
        unsafe PQsetNoticeProcessor(handle, { _, _ in }, nil)
        guard unsafe PQstatus(handle) == CONNECTION_OK else {
            isBroken = true
            throw PostgreSQLError(.unreachable, lastWords)
        }
        guard unsafe PQsetnonblocking(handle, 1) == 0, unsafe PQenterPipelineMode(handle) == 1 else {
            isBroken = true
            throw PostgreSQLError(.unreachable, "the connection cannot be put into pipeline mode")
        }
        try limit(settings)
    }

    deinit {
        unsafe PQfinish(handle)
    }

    private static func connected(_ options: [(String, String)]) -> OpaquePointer? {
        let texts = unsafe (options.map(\.0) + options.map(\.1)).map { unsafe strdup($0) }
        defer { unsafe texts.forEach { unsafe free($0) } }
        let names = unsafe texts.prefix(options.count).map { unsafe UnsafePointer($0) } + [nil]
        let values = unsafe texts.suffix(options.count).map { unsafe UnsafePointer($0) } + [nil]
        return unsafe PQconnectdbParams(names, values, 1)
    }

    /// A commit that returned is on disk, a transaction that is forgotten ends, a client that is gone is noticed.
    private func limit(_ settings: Settings) throws(PostgreSQLError) {
        let milliseconds = String(Int(settings.statementSeconds * 1000))
        _ = try run(
            [
                PostgreSQLCommand(
                    """
                    SELECT set_config('statement_timeout', $1, FALSE), set_config('lock_timeout', $1, FALSE),
                        set_config('idle_in_transaction_session_timeout', $2, FALSE),
                        set_config('default_transaction_isolation', 'read committed', FALSE),
                        set_config('tcp_keepalives_idle', '5', FALSE),
                        set_config('tcp_keepalives_interval', '2', FALSE),
                        set_config('tcp_keepalives_count', '3', FALSE), set_config('tcp_user_timeout', '10000', FALSE)
                    """, [.text(milliseconds), .text(String(Int(settings.statementSeconds * 2000)))]),
                PostgreSQLCommand(
                    """
                    SELECT set_config('synchronous_commit', 'on', FALSE)
                    WHERE current_setting('synchronous_commit') = 'off'
                    """),
            ], within: settings.statementSeconds)
    }

    /// What libpq last said of the connection.
    private var lastWords: String {
        let words = unsafe PQerrorMessage(handle).map { unsafe String(cString: $0) } ?? ""
        return words.isEmpty ? "the server closed the connection" : words
    }

    /// Whether the server has not closed the connection, as far as this side was told; never waits.
    public func looksAlive() -> Bool {
        guard !isBroken else { return false }
        var descriptor = unsafe pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&descriptor, 1, 0) > 0 else { return true }
        guard unsafe PQconsumeInput(handle) == 1, unsafe PQstatus(handle) == CONNECTION_OK else {
            isBroken = true
            return false
        }
        return true
    }

    // MARK: - Statements

    /// What the server is going to answer, in this order.
    private enum Expected {
        case prepared(text: String, name: String)
        case rows
    }

    /// Sends all commands at once and returns what each of them answered.
    ///
    /// Without a transaction around them they are one: the first that is refused undoes those before it and keeps
    /// those after it from being carried out.
    ///
    /// - Parameter seconds: how long all of it may take; afterwards the connection is broken.
    /// - Throws: ``PostgreSQLError``, of the first command that was refused.
    public func run(
        _ commands: [PostgreSQLCommand], within seconds: Double
    ) throws(PostgreSQLError) -> [PostgreSQLRows] {
        guard !isBroken else { throw PostgreSQLError(.lost, "the connection was lost before") }
        let deadline = ContinuousClock.now + .seconds(seconds)
        do {
            let expected = try send(commands)
            return try answers(to: expected, until: deadline)
        } catch {
            if error.isUncertain || error.endsConnection { isBroken = true }
            throw error
        }
    }

    private func send(_ commands: [PostgreSQLCommand]) throws(PostgreSQLError) -> [Expected] {
        var expected: [Expected] = []
        var names = prepared
        for command in commands {
            if names[command.text] == nil {
                let name = "s\(names.count + 1)"
                guard unsafe PQsendPrepare(handle, name, command.text, 0, nil) == 1 else { throw lost() }
                names[command.text] = name
                expected.append(.prepared(text: command.text, name: name))
            }
            guard let name = names[command.text], send(BoundValues(command.values), to: name) else { throw lost() }
            expected.append(.rows)
        }
        guard unsafe PQpipelineSync(handle) == 1 else { throw lost() }
        return expected
    }

    private func send(_ values: BoundValues, to name: String) -> Bool {
        unsafe values.bytes.withUnsafeBytes { bytes in
            let pointers = unsafe values.places.map { place in
                unsafe place.flatMap { unsafe bytes.baseAddress?.advanced(by: $0).assumingMemoryBound(to: CChar.self) }
            }
            return unsafe PQsendQueryPrepared(
                handle, name, Int32(pointers.count), pointers, values.lengths, values.formats, 1) == 1
        }
    }

    private func lost() -> PostgreSQLError {
        isBroken = true
        return PostgreSQLError(.lost, lastWords)
    }

    private func answers(
        to expected: [Expected], until deadline: ContinuousClock.Instant
    ) throws(PostgreSQLError) -> [PostgreSQLRows] {
        var answers: [PostgreSQLRows] = []
        var refusal: PostgreSQLError?
        for one in expected {
            while let result = unsafe try nextResult(until: deadline) {
                defer { unsafe PQclear(result) }
                switch unsafe PQresultStatus(result) {
                case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                    switch one {
                    case .prepared(let text, let name): prepared[text] = name
                    case .rows: unsafe answers.append(try PostgreSQLRows(result))
                    }
                case PGRES_PIPELINE_ABORTED: break
                default:
                    let error = unsafe error(of: result)
                    guard error.state != nil, unsafe PQstatus(handle) == CONNECTION_OK else { throw error }
                    refusal = refusal ?? error
                }
            }
        }
        try readSync(until: deadline)
        if let refusal { throw refusal }
        return answers
    }

    private func readSync(until deadline: ContinuousClock.Instant) throws(PostgreSQLError) {
        guard let result = unsafe try nextResult(until: deadline) else { throw lost() }
        defer { unsafe PQclear(result) }
        guard unsafe PQresultStatus(result) == PGRES_PIPELINE_SYNC else { throw lost() }
    }

    private func error(of result: OpaquePointer) -> PostgreSQLError {
        func text(_ field: UnsafePointer<CChar>?) -> String? { unsafe field.map { unsafe String(cString: $0) } }
        guard let state = unsafe text(edgeorch_pg_state(result)) else { return lost() }
        return unsafe PostgreSQLError(
            .refused(state: state, constraint: text(edgeorch_pg_constraint(result))),
            text(edgeorch_pg_sentence(result)) ?? "no words")
    }

    /// The next result; nil at the end of a command's results.
    private func nextResult(until deadline: ContinuousClock.Instant) throws(PostgreSQLError) -> OpaquePointer? {
        while true {
            let unsent = unsafe PQflush(handle)
            if unsafe PQisBusy(handle) == 0 { return unsafe PQgetResult(handle) }
            guard unsent >= 0 else { throw lost() }
            let left = deadline - ContinuousClock.now
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            guard milliseconds > 0 else {
                isBroken = true
                throw PostgreSQLError(.late, "the server did not answer in time")
            }
            let events = Int16(POLLIN) | (unsent == 1 ? Int16(POLLOUT) : 0)
            var descriptor = unsafe pollfd(fd: PQsocket(handle), events: events, revents: 0)
            let ready = unsafe poll(&descriptor, 1, Int32(clamping: milliseconds))
            guard ready > 0 else { continue }
            if descriptor.revents & ~Int16(POLLOUT) != 0, unsafe PQconsumeInput(handle) == 0 { throw lost() }
        }
    }
}

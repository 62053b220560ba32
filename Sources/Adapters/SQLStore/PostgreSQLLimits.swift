public import PostgreSQLClient

/// How long and how often the store asks of PostgreSQL.
public struct PostgreSQLLimits: Sendable {
    /// Connections: how long one may take to be made, and what a statement may take.
    public var connection = PostgreSQLConnection.Settings()
    /// The pool; one more connection holds the controller's lock.
    public var pool = PostgreSQLPool.Limits()
    /// Seconds to wait at the start for the lock of a controller that has just ended.
    public var lockWaitSeconds = 10.0
    /// Seconds to ask what became of a commit before it is reported as unsettled.
    public var settleSeconds = 5.0
    /// Statements that are sent at once; their answers are read before the next.
    public var batchStatements = 1000

    /// The defaults.
    public init() {}

    /// How long one exchange may take: what the server gives a statement, and something for its way.
    var exchangeSeconds: Double { connection.statementSeconds + 2 }
}

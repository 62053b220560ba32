import CPostgreSQL

/// Where a database is: a connection string of libpq, checked, and shown without its secrets.
///
/// Source: PostgreSQL documentation, section 34.1.1: several hosts, `target_session_attrs`, `sslmode`, `sslrootcert`
/// and all the rest pass through.
public struct PostgreSQLAddress: Hashable, Sendable, CustomStringConvertible {
    let connectionString: String
    /// The hosts, ports and database, without user and password.
    public let description: String

    /// Checks a connection string that begins with `postgresql://` or `postgres://`.
    ///
    /// Returns nil for anything libpq cannot read; its words would repeat the string with the password in it.
    public init?(_ connectionString: String) {
        guard connectionString.hasPrefix("postgresql://") || connectionString.hasPrefix("postgres://"),
            let options = unsafe PQconninfoParse(connectionString, nil)
        else { return nil }
        defer { unsafe PQconninfoFree(options) }
        var named: [String: String] = [:]
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val { unsafe named[String(cString: keyword)] = String(cString: value) }
            unsafe option += 1
        }
        self.connectionString = connectionString
        let hosts = (named["host"] ?? named["hostaddr"] ?? "localhost").split(
            separator: ",", omittingEmptySubsequences: false)
        let ports = (named["port"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
        let places = hosts.enumerated().map { index, host in
            let port = ports.count == hosts.count ? ports[index] : ports.first ?? ""
            return port.isEmpty ? String(host) : "\(host):\(port)"
        }
        description = "postgresql://" + places.joined(separator: ",") + "/" + (named["dbname"] ?? "")
    }
}

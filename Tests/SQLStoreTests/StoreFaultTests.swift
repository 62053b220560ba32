import Orchestration
import PostgreSQLClient
import Testing

@testable import SQLStore

/// What the databases' errors mean.
@Suite struct StoreFaultTests {
    @Test(
        "each SQLSTATE is one kind of error, and callers are told which",
        arguments: [
            ("53100", .full), ("53200", .full), ("53300", .busy), ("57014", .slow), ("55P03", .slow), ("40P01", .slow),
            ("25P03", .slow), ("08006", .unreachable), ("57P01", .unreachable), ("57P03", .unreachable),
            ("42501", nil), ("25006", nil), ("28P01", nil), ("23505", nil), ("23503", nil), ("42P01", nil),
        ] as [(String, StoreFault?)])
    func states(state: String, fault: StoreFault?) {
        let error = SQLStoreError(
            PostgreSQLError(.refused(state: state, constraint: nil), "words"), operation: "commit")
        #expect(error.fault == fault)
        #expect("\(error)".contains(state) && "\(error)".contains("words"))
    }

    @Test("every kind has its words, and no two are the same")
    func words() {
        #expect(Set(StoreFault.allCases.map(\.sentence)).count == StoreFault.allCases.count)
    }

    @Test(
        "names become numbers in order, once each; texts in quotes and casts stay as they are",
        arguments: [
            ("SELECT a FROM t WHERE x = :x AND y > :y", "SELECT a FROM t WHERE x = $1 AND y > $2", ["x", "y"]),
            (":b :a :b", "$1 $2 $1", ["b", "a"]), ("SELECT ':no', x::text, :yes", "SELECT ':no', x::text, $1", ["yes"]),
            ("SELECT \"a:b\"", "SELECT \"a:b\"", []), ("", "", []),
        ])
    func numbered(named: String, text: String, names: [String]) {
        let statement = NumberedStatement(named)
        #expect(statement.text == text && statement.names == names)
    }
}

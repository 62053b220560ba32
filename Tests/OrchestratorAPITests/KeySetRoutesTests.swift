import Fleet
import Orchestration
import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

/// Publishers' key sets over the API: administrators publish them, everybody who is known may follow.
@Suite struct KeySetRoutesTests {
    private let api = TestAPI()

    @Test(
        "whoever follows names the last set that it has, and how many it takes",
        arguments: [
            ("", "after 0 limit 100"), ("?after=3", "after 3 limit 100"), ("?after=3&limit=7", "after 3 limit 7"),
        ])
    func pages(query: String, asked: String) throws {
        #expect(try api.send("GET", "/v1/key-sets" + query, as: "edt_dev1").status == 200)
        #expect(api.fleet.calls == ["keySets \(asked)"])
    }

    @Test("what is no number of a key set is refused", arguments: ["?after=x", "?after=-1", "?limit=0", "?from=1"])
    func badQuery(query: String) throws {
        #expect(try (400...422).contains(api.send("GET", "/v1/key-sets" + query, as: "edt_dev1").status))
        #expect(api.fleet.calls.isEmpty)
    }

    @Test(
        "devices and all who may read follow; a scraper and strangers do not",
        arguments: [
            ("edt_dev1", 200), ("eok_viewer", 200), ("eok_publisher", 200), ("eok_admin", 200), ("eok_scraper", 403),
            ("eok_revoked", 401),
        ])
    func readers(who: String, status: Int) throws {
        #expect(try api.send("GET", "/v1/key-sets", as: who).status == status)
    }

    @Test(
        "only administrators publish: not whoever pushes versions, and no device",
        arguments: [
            ("eok_admin", 201), ("eok_operator", 403), ("eok_release_manager", 403), ("eok_publisher", 403),
            ("eok_viewer", 403), ("edt_dev1", 403), ("eok_revoked", 401),
        ])
    func publishers(who: String, status: Int) throws {
        let reply = try api.send("POST", "/v1/key-sets", as: who, json: #"{"envelope": "{}"}"#)
        #expect(reply.status == status)
        #expect(api.fleet.calls == (status == 201 ? ["publish key set by ada"] : []))
    }
}

import Fleet
import Orchestration
import Rollouts
import Synchronization
import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

@Suite struct RoutingTests {
    /// The paths, each with the methods that it answers.
    private static let methodsByPath = Dictionary(grouping: SampleRequests.all, by: \.path)
        .mapValues { Set($0.map(\.route.method)) }

    @Test("a path answers 405 to every method it does not have, and names those it has", arguments: methodsByPath.keys)
    func methodNotAllowed(path: String) throws {
        let known = try #require(Self.methodsByPath[path])
        let api = TestAPI()
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"] where !known.contains(method) {
            let reply = try api.send(method, path)
            #expect(reply.status == 405)
            let allowed = try #require(reply.header("Allow")).split(separator: ", ").map(String.init)
            #expect(Set(allowed) == (known.contains("GET") ? known.union(["HEAD"]) : known))
            #expect(try reply.problem().code == "method_not_allowed")
        }
        #expect(api.fleet.calls.isEmpty)
    }

    @Test(
        "an unknown path is answered 404 and says where the routes are",
        arguments: [
            "/", "/v2/models", "/v1", "/v1/model", "/v1/models/", "/v1/models/digits", "/v1//models", "/V1/models",
        ])
    func unknownPath(path: String) throws {
        let api = TestAPI()
        let reply = try api.send("GET", path)
        #expect(reply.status == 404)
        let problem = try reply.problem()
        #expect(problem.code == "unknown_route")
        #expect(problem.faults.first?.remedy.contains("/openapi.yaml") == true)
        #expect(api.observer.heard.withLock { $0.finished.map(\.handler) } == ["unmatched"])
    }

    @Test(
        "a name with a slash in it is no name and finds no route",
        arguments: ["/v1/models/a/b/versions", "/v1/policies/a/b", "/v1/devices/a/b"])
    func slash(path: String) throws {
        let reply = try TestAPI().send("GET", path)
        #expect(reply.status == 404)
        #expect(try reply.problem().faults.first?.remedy.contains("a name in a path holds no '/'") == true)
    }

    @Test(
        "a name in the path that breaks a rule is refused by its parameter",
        arguments: [
            ("/v1/devices/-dev", "device"), ("/v1/devices/", "device"), ("/v1/devices/d é", "device"),
            ("/v1/models/a b/versions", "model"), ("/v1/versions/abc", "digest"),
            ("/v1/versions/" + Sample.digest.uppercased(), "digest"), ("/v1/artifacts/x", "digest"),
            ("/v1/rollouts/..", "rollout"), ("/v1/policies/" + String(repeating: "p", count: 65), "policy"),
        ])
    func badName(path: String, parameter: String) throws {
        let reply = try TestAPI().send("GET", path)
        #expect(reply.status == 400)
        let problem = try reply.problem()
        #expect(problem.code == "invalid_parameter")
        #expect(problem.faults.map(\.field) == [parameter])
        #expect(problem.faults.first?.remedy.isEmpty == false)
    }

    @Test("HEAD is answered as GET is", arguments: SampleRequests.all.filter { $0.route.method == "GET" })
    func head(row: SampleRequests.Row) throws {
        let api = TestAPI()
        let get = try api.send("GET", row.path, as: row.caller)
        let head = try api.send("HEAD", row.path, as: row.caller)
        #expect(head.status == get.status)
        #expect(head.headers.map(\.name) == get.headers.map(\.name))
        #expect(head.headers.map(\.value) == get.headers.map(\.value))
    }

    @Test("a query parameter that a route does not know is refused by its name", arguments: SampleRequests.all)
    func unknownQuery(row: SampleRequests.Row) throws {
        let reply = try TestAPI().send(row.route.method, row.path + "?surplus=1", as: row.caller, json: row.json)
        #expect(reply.status == 400)
        let fault = try #require(try reply.problem().faults.first)
        #expect(fault.field == "surplus")
        #expect(fault.remedy.contains(row.route.query.first ?? "none is known here"))
    }

    @Test("a query parameter that is given twice is refused")
    func doubleQuery() throws {
        let reply = try TestAPI().send("GET", "/v1/models?limit=1&limit=2")
        #expect(reply.status == 400)
        #expect(try reply.problem().faults.map(\.description) == ["limit: give this parameter once"])
    }

    @Test(
        "a query value that cannot be read is refused by its name",
        arguments: [
            ("/v1/models?limit=0", "limit"), ("/v1/models?limit=1001", "limit"), ("/v1/models?limit=ten", "limit"),
            ("/v1/models?limit=", "limit"), ("/v1/models?after=gone", "after"),
            ("/v1/devices?selector=a=b=c", "selector"), ("/v1/devices?after=-", "after"),
            ("/v1/rollouts?active=yes", "active"), ("/v1/rollouts?model=a b", "model"),
            ("/v1/audit?before=-1", "before"), ("/v1/audit?limit=0", "limit"),
        ])
    func badQuery(target: String, field: String) throws {
        let reply = try TestAPI().send("GET", target)
        #expect(reply.status == 400)
        #expect(try reply.problem().faults.map(\.field) == [field])
    }

    @Test("requests are counted by the route's template and a method from a closed list")
    func counted() throws {
        let api = TestAPI()
        _ = try api.send("GET", "/v1/devices/dev1")
        _ = try api.send("BREW", "/v1/devices/dev1")
        let heard = api.observer.heard.withLock { $0 }
        #expect(heard.started == 2)
        #expect(heard.finished.map(\.handler) == ["/v1/devices/{device}", "unmatched"])
        #expect(heard.finished.map(\.method) == ["GET", "other"])
        #expect(heard.finished.map(\.status) == [200, 405])
        #expect(heard.finished.allSatisfy { $0.seconds >= 0 })
    }

    @Test("health, readiness and metrics answer without a credential")
    func service() throws {
        let api = TestAPI()
        #expect(try api.send("GET", "/healthz", as: nil).text == "ok\n")
        #expect(try api.send("GET", "/readyz", as: nil).text == "ready\n")
        let metrics = try api.send("GET", "/metrics", as: nil, headers: ["accept": "text/plain"])
        #expect(metrics.text == "for text/plain")
        api.fleet.set { $0.unready = "the store is away" }
        let unready = try api.send("GET", "/readyz", as: nil)
        #expect(unready.status == 503)
        #expect(try unready.problem().detail == "the store is away")
        #expect(try TestAPI(servesMetrics: false).send("GET", "/metrics", as: nil).status == 404)
    }

    @Test("what the caller cannot mend is answered 503 without its inner words, and told to the observer")
    func failed() throws {
        let api = TestAPI()
        api.fleet.set { $0.failure = FakeFleet.DatabaseAway() }
        let reply = try api.send("GET", "/v1/devices/dev1")
        #expect(reply.status == 503)
        #expect(reply.header("Retry-After") == "5")
        #expect(!reply.text.contains("DatabaseAway"))
        #expect(api.observer.heard.withLock { $0.failed } == ["/v1/devices/{device}"])
    }

    /// A store's error with hosts in its words.
    private struct StoreAway: StoreFaultError, CustomStringConvertible {
        let fault: StoreFault?
        let description = "db1.internal refused"
    }

    @Test("what keeps the store from writing is answered 503 with its kind", arguments: StoreFault.allCases)
    func storeFault(fault: StoreFault) throws {
        let api = TestAPI()
        api.fleet.set { $0.failure = StoreAway(fault: fault) }
        let reply = try api.send("GET", "/v1/devices/dev1")
        #expect(reply.status == 503 && reply.header("Retry-After") == "5")
        #expect(try reply.problem().code == "store_\(fault.rawValue)")
        #expect(try reply.problem().detail.contains(fault.sentence))
        #expect(!reply.text.contains("db1"))
        api.fleet.set { $0.failure = StoreAway(fault: nil) }
        #expect(try api.send("GET", "/v1/devices/dev1").problem().code == "unavailable")
    }

    @Test("a full queue of work is answered 503, and memory-only routes still answer")
    func overloaded() throws {
        let api = TestAPI()
        api.gate.close()
        let reply = try api.send("GET", "/v1/devices/dev1")
        #expect(reply.status == 503)
        #expect(reply.header("Retry-After") == "1")
        #expect(try reply.problem().code == "overloaded")
        #expect(try api.send("GET", "/healthz", as: nil).status == 200)
    }

    @Test("a problem is RFC 9457: its type, title, status and detail, and no field that is empty")
    func problemShape() throws {
        let reply = try TestAPI().send("GET", "/v1/devices/dev2")
        #expect(reply.status == 404)
        #expect(reply.header("Content-Type") == "application/problem+json")
        #expect(
            reply.text
                == #"{"detail":"there is no such device","status":404,"title":"Unknown device","#
                + #""type":"urn:edgeorch:problem:unknown_device"}"#)
    }

    @Test("replies that hold a secret are not to be stored")
    func secrets() throws {
        let api = TestAPI()
        for row in SampleRequests.withJSON where row.route.replay == .refused || row.route.access == .open {
            let reply = try api.send(row.route.method, row.path, as: row.caller, json: row.json)
            #expect(reply.status == 201)
            #expect(reply.header("Cache-Control") == "no-store")
        }
    }
}

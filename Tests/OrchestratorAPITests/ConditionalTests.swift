import Fleet
import Orchestration
import Rollouts
import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

/// Entity tags, conditions, pages and ranges.
@Suite struct ConditionalTests {
    private let api = TestAPI()

    private func put(_ json: String, headers: [String: String] = [:]) throws -> WebResponse {
        try api.send("PUT", "/v1/policies/calm", json: json, headers: headers)
    }

    // MARK: - Declarations

    @Test("a declaration that is new is answered 201, one that changes 200, both with its entity tag")
    func created() throws {
        let first = try put("{}")
        let second = try put(#"{"soakSeconds": 30}"#)
        #expect([first.status, second.status] == [201, 200])
        #expect(first.header("ETag") != nil)
        #expect(first.header("ETag") != second.header("ETag"))
        #expect(try api.send("GET", "/v1/policies/calm").header("ETag") == second.header("ETag"))
    }

    @Test("who has the declaration is told so without it", arguments: ["@", "W/@", "\"x\", @", "*"])
    func notModified(field: String) throws {
        let tag = try #require(try put("{}").header("ETag"))
        let condition = ["if-none-match": field.replacing("@", with: tag)]
        let reply = try api.send("GET", "/v1/policies/calm", headers: condition)
        #expect(reply.status == 304)
        #expect(reply.header("ETag") == tag)
        #expect(reply.text.isEmpty)
        #expect(try api.send("GET", "/v1/policies/calm", headers: ["if-none-match": "\"old\""]).status == 200)
    }

    @Test("a change of what somebody else changed is refused, and one of what is there is made")
    func ifMatch() throws {
        let old = try #require(try put("{}").header("ETag"))
        let new = try #require(try put(#"{"soakSeconds": 30}"#).header("ETag"))
        let refused = try put("{}", headers: ["if-match": old])
        #expect(refused.status == 412)
        #expect(try refused.problem().detail.contains("changed by somebody else; read it again"))
        #expect(try api.send("DELETE", "/v1/policies/calm", headers: ["if-match": old]).status == 412)
        #expect(try put("{}", headers: ["if-match": new]).status == 200)
        #expect(try api.send("DELETE", "/v1/policies/calm", headers: ["if-match": "*"]).status == 204)
        #expect(try put("{}", headers: ["if-match": "*"]).status == 412, "there is nothing to match")
    }

    @Test("If-None-Match: * creates only")
    func createOnly() throws {
        let condition = ["if-none-match": "*"]
        #expect(try put("{}", headers: condition).status == 201)
        let again = try put("{}", headers: condition)
        #expect(again.status == 412)
        #expect(try again.problem().detail.contains("exists already"))
    }

    @Test("a refused condition changes nothing")
    func refusedChangesNothing() throws {
        _ = try put("{}")
        let calls = api.fleet.calls.count
        _ = try put("{}", headers: ["if-match": "\"old\""])
        #expect(api.fleet.calls.count == calls)
    }

    @Test("a dry run is told apart from the real thing, keeps nothing and has no entity tag")
    func dryRun() throws {
        let reply = try api.send("PUT", "/v1/policies/calm?dryRun=true", json: "{}")
        #expect(reply.status == 200)
        #expect(reply.header("ETag") == nil)
        #expect(try reply.decoded(ApplyResult<Policy>.self).change == .created)
        #expect(api.fleet.calls == ["apply policy calm dryRun true by ada"])
        #expect(try api.send("GET", "/v1/policies/calm").status == 404)
        #expect(try api.send("PUT", "/v1/policies/calm?dryRun=maybe", json: "{}").status == 400)
    }

    @Test("deployments are declared as policies are")
    func deployments() throws {
        let json = #"{"selector": "", "model": "digits", "version": "v1"}"#
        let made = try api.send("PUT", "/v1/deployments/berlin", json: json)
        #expect(made.status == 201)
        let tag = try #require(made.header("ETag"))
        #expect(try api.send("GET", "/v1/deployments/berlin", headers: ["if-none-match": tag]).status == 304)
        let stale = ["if-match": "\"old\""]
        #expect(try api.send("PUT", "/v1/deployments/berlin", json: json, headers: stale).status == 412)
        #expect(try api.send("DELETE", "/v1/deployments/berlin", headers: stale).status == 412)
        #expect(try api.send("DELETE", "/v1/deployments/berlin", headers: ["if-match": tag]).status == 204)
    }

    @Test("a version has its digest as entity tag, and is asked for again: another key may sign it")
    func byDigest() throws {
        let reply = try api.send("GET", "/v1/versions/\(Sample.digest)", as: "edt_dev1")
        #expect(reply.header("ETag") == "\"\(Sample.digest)\"")
        #expect(reply.header("Cache-Control") == "private, no-cache")
        let known = ["if-none-match": "\"\(Sample.digest)\""]
        #expect(try api.send("GET", "/v1/versions/\(Sample.digest)", headers: known).status == 304)
    }

    @Test("a registered version says where it is")
    func location() throws {
        let json = #"{"version": "v2.0.0", "bundle": "{}", "files": []}"#
        let reply = try api.send("POST", "/v1/models/digits/versions", json: json)
        #expect(reply.status == 201)
        #expect(reply.header("Location") == "/v1/models/digits/versions/v2.0.0")
    }

    // MARK: - Pages

    private func models(_ query: String) throws -> Page<ModelResource> {
        let names = try ["a", "b", "c", "d", "e"].map { try ModelName($0) }
        api.fleet.set { $0.models = names.map { ModelResource(name: $0, versions: 1, latest: nil) } }
        return try api.send("GET", "/v1/models" + query).decoded(Page<ModelResource>.self)
    }

    @Test(
        "a page has so many items, and names the next one only where more follow",
        arguments: [
            ("", "abcde", nil), ("?limit=2", "ab", "b"), ("?limit=2&after=b", "cd", "d"),
            ("?limit=2&after=d", "e", nil),
            ("?limit=5", "abcde", nil), ("?limit=4", "abcd", "d"), ("?after=e", "", nil), ("?limit=1000", "abcde", nil),
        ] as [(String, String, String?)])
    func pages(query: String, names: String, next: String?) throws {
        let page = try models(query)
        #expect(page.items.map(\.name.rawValue).joined() == names)
        #expect(page.next == next)
    }

    @Test("pages that follow each other hold every item once")
    func allPages() throws {
        var seen = ""
        var query = "?limit=2"
        while true {
            let page = try models(query)
            seen += page.items.map(\.name.rawValue).joined()
            guard let next = page.next else { break }
            query = "?limit=2&after=\(next)"
        }
        #expect(seen == "abcde")
    }

    @Test("the fleet's list is cut by the fleet itself: selector, place and limit reach it")
    func devices() throws {
        let page = try api.send("GET", "/v1/devices?selector=site in (berlin)&after=dev0&limit=5")
            .decoded(Page<DeviceResource>.self)
        #expect(page.next == "dev1")
        _ = try api.send("GET", "/v1/devices")
        #expect(
            api.fleet.calls == ["devices [site=berlin] after dev0 limit 5", "devices [] after - limit 100"])
    }

    @Test("the audit log goes backwards by row numbers")
    func audit() throws {
        func numbers(_ query: String) throws -> ([UInt64], String?) {
            let page = try api.send("GET", "/v1/audit" + query).decoded(Page<AuditEvent>.self)
            return (page.items.map(\.number), page.next)
        }
        #expect(try numbers("?limit=2") == ([5, 4], "4"))
        #expect(try numbers("?limit=2&before=4") == ([3, 2], "2"))
        #expect(try numbers("?limit=2&before=2") == ([1], nil))
        #expect(try numbers("?limit=5") == ([5, 4, 3, 2, 1], nil), "nothing follows the last row")
    }

    @Test("the audit log goes forwards by row numbers, for exports")
    func auditRows() throws {
        func numbers(_ query: String) throws -> ([UInt64], String?) {
            let page = try api.send("GET", "/v1/audit/rows" + query).decoded(Page<AuditEvent>.self)
            return (page.items.map(\.number), page.next)
        }
        #expect(try numbers("?limit=2") == ([1, 2], "2"))
        #expect(try numbers("?limit=2&after=2") == ([3, 4], "4"))
        #expect(try numbers("?limit=2&after=4") == ([5], nil))
        #expect(try api.send("GET", "/v1/audit/rows?after=x").status == 400)
        #expect(try api.send("GET", "/v1/audit/head").decoded(AuditMark.self).number == 5)
        #expect(try api.send("GET", "/v1/audit/checkpoints").decoded(Page<AuditMark>.self).items.isEmpty)
    }

    @Test("rollouts are chosen by model and by whether they are under way")
    func rollouts() throws {
        _ = try api.send("GET", "/v1/rollouts?model=digits&active=true")
        _ = try api.send("GET", "/v1/rollouts")
        #expect(api.fleet.calls == ["rollouts digits true", "rollouts - -"])
    }

    // MARK: - Ranges

    /// One `Range` field over 1,000 bytes and what it gets.
    struct Ranged: Sendable, CustomTestStringConvertible {
        let field: String?
        let status: Int
        let body: String
        let contentRange: String?

        var testDescription: String { field ?? "none" }

        init(_ field: String?, _ status: Int, _ body: String = "", _ contentRange: String? = nil) {
            self.field = field
            self.status = status
            self.body = body
            self.contentRange = contentRange
        }
    }

    private static let whole = "/artifacts/a[0+1000]"

    private static let ranges = [
        Ranged(nil, 200, whole),
        Ranged("bytes=0-99", 206, "/artifacts/a[0+100]", "bytes 0-99/1000"),
        Ranged("bytes=500-500", 206, "/artifacts/a[500+1]", "bytes 500-500/1000"),
        Ranged("bytes=900-", 206, "/artifacts/a[900+100]", "bytes 900-999/1000"),
        Ranged("bytes=-100", 206, "/artifacts/a[900+100]", "bytes 900-999/1000"),
        Ranged("bytes=0-5000", 206, whole, "bytes 0-999/1000"),
        Ranged("bytes=-5000", 206, whole, "bytes 0-999/1000"),
        Ranged("bytes=999-18446744073709551615", 206, "/artifacts/a[999+1]", "bytes 999-999/1000"),
        Ranged("bytes=1000-", 416, "", "bytes */1000"),
        Ranged("bytes=5000-6000", 416, "", "bytes */1000"),
        Ranged("bytes=-0", 416, "", "bytes */1000"),
        Ranged("bytes=5-2", 200, whole),
        Ranged("bytes=0-1,5-6", 200, whole),
        Ranged("bytes=-", 200, whole),
        Ranged("bytes=", 200, whole),
        Ranged("bytes=a-b", 200, whole),
        Ranged("bytes=99999999999999999999-", 200, whole),
        Ranged("bytes=0-99999999999999999999", 200, whole),
        Ranged("items=0-1", 200, whole),
    ]

    @Test("an artifact is sent whole or by the range that is asked for", arguments: ranges)
    func range(ranged: Ranged) throws {
        let headers = ranged.field.map { ["range": $0] } ?? [:]
        let reply = try api.send("GET", "/v1/artifacts/\(Sample.digest)", as: "edt_dev1", headers: headers)
        #expect(reply.status == ranged.status)
        #expect(reply.header("Content-Range") == ranged.contentRange)
        guard ranged.status != 416 else {
            #expect(try reply.problem().detail.contains("1000 bytes"))
            return
        }
        #expect(reply.text == ranged.body)
        #expect(reply.header("Accept-Ranges") == "bytes")
        #expect(reply.header("ETag") == "\"\(Sample.digest)\"")
    }

    @Test("a range belongs to the version that If-Range names; another one is sent whole")
    func ifRange() throws {
        func status(_ tag: String) throws -> Int {
            try api.send(
                "GET", "/v1/artifacts/\(Sample.digest)", headers: ["range": "bytes=0-9", "if-range": tag]
            ).status
        }
        #expect(try status("\"\(Sample.digest)\"") == 206)
        #expect(try status("\"other\"") == 200)
        #expect(try status("W/\"\(Sample.digest)\"") == 200, "a weak tag proves nothing about bytes")
    }

    @Test("who has the artifact is told so without it")
    func artifactNotModified() throws {
        let headers = ["if-none-match": "\"\(Sample.digest)\"", "range": "bytes=0-9"]
        #expect(try api.send("GET", "/v1/artifacts/\(Sample.digest)", headers: headers).status == 304)
    }

    @Test("an empty artifact is sent whole, and no range of it exists")
    func emptyArtifact() throws {
        api.fleet.set { $0.artifact.sizeBytes = 0 }
        #expect(try api.send("GET", "/v1/artifacts/\(Sample.digest)").text == "/artifacts/a[0+0]")
        for field in ["bytes=0-", "bytes=-1"] {
            let reply = try api.send("GET", "/v1/artifacts/\(Sample.digest)", headers: ["range": field])
            #expect(reply.status == 416)
            #expect(reply.header("Content-Range") == "bytes */0")
        }
    }

    // MARK: - Uploads

    @Test("a piece is stored at its offset, and the reply says where the next one starts")
    func piece() throws {
        var request = TestAPI.request(
            "PATCH", "/v1/artifacts/\(Sample.digest)/upload",
            headers: ["content-type": "application/octet-stream", "upload-offset": "512"])
        request.body = Array(repeating: 7, count: 100)
        let reply = try api.send(request)
        #expect(reply.status == 200)
        #expect(reply.header("Upload-Offset") == "612")
        #expect(reply.header("Cache-Control") == "no-store")
        #expect(api.fleet.calls == ["appendUpload abababababab at 512: 100"])
        let status = try api.send("GET", "/v1/artifacts/\(Sample.digest)/upload")
        #expect(status.header("Upload-Offset") == "512")
    }

    @Test("a piece without a place is refused", arguments: [nil, "", "-1", "1.5", "many"])
    func pieceWithoutPlace(offset: String?) throws {
        var headers = ["content-type": "application/octet-stream"]
        headers["upload-offset"] = offset
        let reply = try api.send("PATCH", "/v1/artifacts/\(Sample.digest)/upload", headers: headers)
        #expect(reply.status == 400)
        #expect(try reply.problem().faults.map(\.field) == ["Upload-Offset"])
    }

    @Test("a piece of another content type is refused")
    func pieceType() throws {
        let reply = try api.send(
            "PATCH", "/v1/artifacts/\(Sample.digest)/upload", json: "{}", headers: ["upload-offset": "0"])
        #expect(reply.status == 415)
    }
}

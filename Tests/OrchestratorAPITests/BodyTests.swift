import Rollouts
import Testing
import WebMessages
import WireFormat

@testable import OrchestratorAPI

/// Bodies are read strictly: whatever is wrong is named, with what to do about it.
@Suite struct BodyTests {
    private func send(
        _ row: SampleRequests.Row, bytes: [UInt8], type: String? = "application/json"
    ) throws -> WebResponse {
        var request = TestAPI.request(row.route.method, row.path, as: row.caller)
        request.body = bytes
        request.headers["content-type"] = type
        return try TestAPI().send(request)
    }

    private func send(_ row: SampleRequests.Row, _ json: String) throws -> WebResponse {
        try send(row, bytes: Array(json.utf8))
    }

    /// The names of the fields of a flat object, as they stand in the sample.
    private static func fields(_ json: String) throws -> [String: JSONFragment] {
        try JSONFragment.members(of: json)
    }

    @Test("each route takes its own body", arguments: SampleRequests.withJSON)
    func accepted(row: SampleRequests.Row) throws {
        let json = try #require(row.json)
        #expect((200..<300).contains(try send(row, json).status))
        let spelt = try send(row, bytes: Array(json.utf8), type: "Application/JSON; charset=utf-8")
        #expect((200..<300).contains(spelt.status))
    }

    @Test("an unknown field is refused by its name", arguments: SampleRequests.withJSON)
    func unknownField(row: SampleRequests.Row) throws {
        let json = try #require(row.json)
        let reply = try send(row, "{\"surplus\": 1, " + json.dropFirst())
        #expect(reply.status == 422)
        let problem = try reply.problem()
        #expect(problem.code == "invalid_fields")
        #expect(problem.faults.map(\.field) == ["surplus"])
        #expect(problem.faults.first?.remedy.contains("known: ") == true)
    }

    @Test("a value of another kind is refused by its field, whichever field it is", arguments: SampleRequests.withJSON)
    func wrongType(row: SampleRequests.Row) throws {
        let fields = try Self.fields(try #require(row.json))
        for name in fields.keys {
            var changed = fields
            changed[name] = JSONFragment(text: "true")
            let reply = try send(row, JSONFragment.object(changed))
            #expect(reply.status == 422, "\(name)")
            let fault = try #require(try reply.problem().faults.first)
            #expect(fault.field == name)
            #expect(fault.remedy.hasPrefix("send "))
        }
    }

    @Test(
        "a field that is missing is refused by its name, unless it may be left out", arguments: SampleRequests.withJSON)
    func missing(row: SampleRequests.Row) throws {
        let optional: Set = ["lifetimeSeconds", "overlapSeconds", "uses", "steps", "errorBudget"]
        let fields = try Self.fields(try #require(row.json))
        for name in fields.keys {
            var changed = fields
            changed[name] = nil
            let reply = try send(row, JSONFragment.object(changed))
            guard !optional.contains(name), !(name == "labels" && fields["uses"] != nil) else {
                #expect((200..<300).contains(reply.status), "\(name)")
                continue
            }
            #expect(reply.status == 422, "\(name)")
            #expect(try reply.problem().faults.map(\.description) == ["\(name): this field is required"])
        }
    }

    @Test("a field that is given twice is refused", arguments: SampleRequests.withJSON)
    func duplicate(row: SampleRequests.Row) throws {
        let json = try #require(row.json)
        let (name, value) = try #require(try Self.fields(json).min { $0.key < $1.key })
        let reply = try send(row, "{\"\(name)\": \(value.text), " + json.dropFirst())
        #expect(reply.status == 400)
        let problem = try reply.problem()
        #expect(problem.code == "invalid_json")
        #expect(problem.faults.first?.remedy.contains(name) == true)
    }

    /// Bytes that are no JSON document for one reason each.
    private static let broken: [(String, [UInt8])] = [
        ("empty", []), ("blanks only", Array("  ".utf8)), ("no JSON", Array("halt".utf8)),
        ("cut off", Array("{\"labels\": {".utf8)), ("more behind it", Array("{} {}".utf8)),
        ("trailing comma", Array("{\"a\": 1,}".utf8)),
        ("not UTF-8", Array("{\"a\": \"".utf8) + [0xC3, 0x28, 0x22, 0x7D]),
        ("an overlong form", Array("{\"a\": \"".utf8) + [0xC0, 0xAF, 0x22, 0x7D]),
        ("a lone surrogate", Array(#"{"a": "\ud800"}"#.utf8)), ("not a number", Array("{\"a\": NaN}".utf8)),
        ("a control character", Array("{\"a\": \"\u{1}\"}".utf8)),
        ("a byte order mark", [0xEF, 0xBB, 0xBF, 0x7B, 0x7D]),
        ("too deep", Array((String(repeating: "[", count: 33) + String(repeating: "]", count: 33)).utf8)),
    ]

    @Test("what is no JSON document is refused with its place", arguments: SampleRequests.withJSON, broken.map(\.0))
    func notJSON(row: SampleRequests.Row, fault: String) throws {
        let bytes = try #require(Self.broken.first { $0.0 == fault }).1
        let reply = try send(row, bytes: bytes)
        #expect(reply.status == 400)
        let problem = try reply.problem()
        #expect(problem.code == "invalid_json")
        #expect(problem.faults.first?.field == "body")
        #expect(problem.faults.first?.remedy.isEmpty == false)
    }

    @Test(
        "a document that is no object is refused", arguments: SampleRequests.withJSON, ["[]", "1", "null", "\"text\""])
    func noObject(row: SampleRequests.Row, json: String) throws {
        let reply = try send(row, json)
        #expect(reply.status == 422)
        #expect(try reply.problem().faults.map(\.field) == ["body"])
    }

    @Test("a body over the route's limit is refused, and one at the limit is read", arguments: SampleRequests.withJSON)
    func oversize(row: SampleRequests.Row) throws {
        let json = Array(try #require(row.json).utf8)
        let limit = row.route.body.limitBytes
        let padding = [UInt8](repeating: 0x20, count: limit - json.count)
        #expect((200..<300).contains(try send(row, bytes: json + padding).status))
        let reply = try send(row, bytes: json + padding + [0x20])
        #expect(reply.status == 413)
        #expect(try reply.problem().faults.first?.remedy.contains("\(limit)") == true)
    }

    @Test(
        "a body of another or no content type is refused", arguments: SampleRequests.withJSON, [nil, "text/plain", ""])
    func contentType(row: SampleRequests.Row, type: String?) throws {
        let reply = try send(row, bytes: Array(try #require(row.json).utf8), type: type)
        #expect(reply.status == 415)
        let fault = try #require(try reply.problem().faults.first)
        #expect(fault.description.contains("Content-Type: send \"Content-Type: application/json\""))
    }

    @Test(
        "a route that takes no body refuses one",
        arguments: SampleRequests.all.filter { $0.route.body == .none })
    func surplusBody(row: SampleRequests.Row) throws {
        let reply = try send(row, "{}")
        #expect(reply.status == 413)
        #expect(try reply.problem().detail.contains("takes no body"))
    }

    @Test(
        "faults deep inside a body are named by their path",
        arguments: [
            (#"{"reports": [{"surplus": 1}]}"#, "reports[0].assignment"),
            (#"{"reports": [7]}"#, "reports[0]"),
            (#"{"reports": [{"assignment": -1}]}"#, "reports[0].assignment"),
            (#"{"reports": [{"assignment": 1.5}]}"#, "reports[0].assignment"),
        ])
    func deep(json: String, field: String) throws {
        let reply = try TestAPI().send("POST", "/v1/devices/dev1/reports", as: "edt_dev1", json: json)
        #expect(reply.status == 422)
        #expect(try reply.problem().faults.first?.field == field)
    }

    @Test("all unknown fields are told at once, deep ones too")
    func allUnknown() throws {
        let json = #"{"labels": {}, "a": 1, "b": {"c": 2}}"#
        let reply = try TestAPI().send("PATCH", "/v1/devices/dev1", json: json)
        #expect(try reply.problem().faults.map(\.field) == ["a", "b"])
    }

    @Test("a word outside a closed list is answered with the list")
    func closedList() throws {
        let json = #"{"command": "explode", "reason": "x"}"#
        let reply = try TestAPI().send("POST", "/v1/rollouts/digits-1/commands", json: json)
        let fault = try #require(try reply.problem().faults.first)
        #expect(fault.description == "command: use one of advance, promote, halt, resume, rollback, retry")
    }

    @Test("a decision is labelled by its number, and its label taken back")
    func label() throws {
        let api = TestAPI()
        let path = "/v1/rollouts/digits-1/decisions/3/label"
        #expect(try api.send("PUT", path, as: "eok_operator", json: #"{"label": "true_positive"}"#).status == 200)
        #expect(try api.send("DELETE", path, as: "eok_operator").status == 200)
        #expect(api.fleet.calls == ["label 3 of digits-1 true_positive by olga", "label 3 of digits-1 - by olga"])
        let reply = try api.send("PUT", path, as: "eok_operator", json: #"{"label": "maybe"}"#)
        #expect(
            try reply.problem().faults.first?.description == "label: use one of false_positive, true_positive")
    }

    @Test("a decision's number is a number from 1 on", arguments: ["0", "-1", "x", "1.5", "99999999999999999999"])
    func badNumber(number: String) throws {
        let api = TestAPI()
        let path = "/v1/rollouts/digits-1/decisions/\(number)/label"
        let reply = try api.send("DELETE", path, as: "eok_operator")
        #expect(reply.status == 400)
        #expect(try reply.problem().faults.map(\.field) == ["number"])
        #expect(api.fleet.calls.isEmpty)
    }

    @Test("a name in the body that breaks a rule is refused with the rule")
    func badName() throws {
        let json = #"{"version": "v/1", "bundle": "{}", "files": []}"#
        let reply = try TestAPI().send("POST", "/v1/models/digits/versions", json: json)
        let fault = try #require(try reply.problem().faults.first)
        #expect(fault.field == "version")
        #expect(fault.remedy.contains("only letters, digits"))
    }

    @Test("a declaration has the name of its path, and no other")
    func namedByPath() throws {
        let api = TestAPI()
        #expect(try api.send("PUT", "/v1/policies/calm", json: #"{"name": "calm"}"#).status == 201)
        let reply = try api.send("PUT", "/v1/policies/calm", json: #"{"name": "wild"}"#)
        #expect(reply.status == 422)
        #expect(try reply.problem().faults.first?.remedy.contains("\"calm\" as in the path") == true)
    }
}

/// A value in a JSON text, kept as it is written.
struct JSONFragment {
    let text: String

    static func object(_ members: [String: JSONFragment]) -> String {
        "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value.text)" }.joined(separator: ", ") + "}"
    }

    /// The members of an object whose values hold no text with commas or brackets in it.
    static func members(of json: String) throws -> [String: JSONFragment] {
        var members: [String: JSONFragment] = [:]
        var depth = 0
        var piece = ""
        for character in json.dropFirst().dropLast() + "," {
            if "[{".contains(character) { depth += 1 }
            if "]}".contains(character) { depth -= 1 }
            guard character == ",", depth == 0 else {
                piece.append(character)
                continue
            }
            let sides = piece.split(separator: ":", maxSplits: 1).map { String($0.drop { $0 == " " }) }
            try #require(sides.count == 2)
            members[String(sides[0].dropFirst().dropLast())] = JSONFragment(text: sides[1])
            piece = ""
        }
        return members
    }
}

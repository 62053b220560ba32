import Fleet
import Foundation
import Testing

@Suite struct LabelsTests {
    @Test("labels are sorted by key, whatever the order they came in")
    func order() throws {
        var labels = try Labels(["site": "berlin", "hw": "orin", "a": ""])
        #expect(labels.map(\.key) == ["a", "hw", "site"])
        try labels.set("b", to: "1")
        try labels.set("hw", to: "nano")
        labels.remove("a")
        labels.remove("absent")
        #expect(labels.description == "b=1,hw=nano,site=berlin")
        #expect(labels["hw"] == "nano")
        #expect(labels["a"] == nil)
        #expect(labels == (try Labels(["b": "1", "hw": "nano", "site": "berlin"])))
    }

    @Test(
        "a key is an optional DNS prefix and a name",
        arguments: [
            "a", "A1", "example.com/site", "a-b.c/x_y.z-1", String(repeating: "k", count: 63),
            String(repeating: "a.", count: 126) + "a/k",
        ])
    func goodKey(key: String) throws {
        #expect(try Labels([key: "x"])[key] == "x")
    }

    @Test(
        "a bad key is refused with the rule",
        arguments: [
            ("", "empty"), ("-a", "start and end"), ("a_", "start and end"), ("a b", "only letters"),
            ("a/b/c", "at most one"), ("/a", "DNS"), ("Example.com/a", "DNS"), ("a..b/c", "DNS"), ("a/", "empty"),
            ("köln", "only letters"), (String(repeating: "k", count: 64), "longer than 63"),
            (String(repeating: "a.", count: 127) + "a/k", "longer than 253"),
        ])
    func badKey(key: String, rule: String) throws {
        let error = try #require(throws: InvalidLabels.self) { try Labels([key: "x"]) }
        #expect(error.description.contains(rule))
        var labels = Labels()
        #expect(throws: error) { try labels.set(key, to: "x") }
        #expect(labels.isEmpty)
    }

    @Test("a value is empty or a name", arguments: ["", "v", "1.2-3_4", String(repeating: "v", count: 63)])
    func goodValue(value: String) throws {
        #expect(try Labels(["k": value])["k"] == value)
    }

    @Test(
        "a bad value is refused with its key and the rule",
        arguments: [
            ("-", "start and end"), ("a/b", "only letters"), ("a,b", "only letters"),
            (String(repeating: "v", count: 64), "longer than 63"),
        ])
    func badValue(value: String, rule: String) throws {
        let error = try #require(throws: InvalidLabels.self) { try Labels(["site": value]) }
        #expect(error.description.contains(rule))
        #expect(error.description.contains("site"))
    }

    @Test("there are at most 32, and changing one of 32 is no addition")
    func limit() throws {
        let pairs = Dictionary(uniqueKeysWithValues: (0..<33).map { ("k\($0)", "v") })
        #expect(throws: InvalidLabels.tooMany(count: 33)) { try Labels(pairs) }
        var full = try Labels(pairs.filter { $0.key != "k7" })
        try full.set("k8", to: "w")
        #expect(throws: InvalidLabels.tooMany(count: 33)) { try full.set("k7", to: "v") }
    }

    @Test("labels travel as a JSON object")
    func json() throws {
        let labels = try Labels(["site": "berlin", "example.com/hw": ""])
        let data = try JSONEncoder().encode(labels)
        #expect(try JSONDecoder().decode([String: String].self, from: data) == labels.dictionary)
        #expect(try JSONDecoder().decode(Labels.self, from: data) == labels)
    }

    @Test("bad labels in JSON are a decoding error that names the key")
    func badJSON() throws {
        let error = try #require(throws: DecodingError.self) {
            try JSONDecoder().decode(Labels.self, from: Data(#"{"site":"a b"}"#.utf8))
        }
        #expect("\(error)".contains("site"))
    }
}

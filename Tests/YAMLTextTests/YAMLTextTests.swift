import Testing
import YAMLText
import Yams

@Suite struct YAMLTextTests {
    private struct Setting: Codable, Equatable {
        struct Inner: Codable, Equatable {
            var port: Int?
            var path: String?
            var words: [String]?
            var lists: [[Int]]?
        }
        var name: String?
        var labels: [String: String]?
        var isOn: Bool?
        var seconds: Double?
        var count: UInt32?
        var runtime: Inner?
        var many: [Inner]?
    }

    /// Yams reads the same texts by Foundation.
    @Test(arguments: [
        "name: camera", "name: \"0123\"\nseconds: 1.5", "name: 0123\ncount: 7", "name: 1.10", "name: ~", "name:",
        "name: 'it''s'\nlabels: {a: b, c: \"d: e\"}", "labels:\n  floor: 3\n  open: true\n  none: 'null'",
        "isOn: yes", "isOn: off", "isOn: True", "seconds: 3", "seconds: 1e3", "seconds: -0.25",
        "runtime:\n  port: 8080\n  path: /v1/health # where\n  words: [a, 'b c', \"d\\te\"]\n",
        "runtime: {lists: [[1, 2], [], [3]]}",
        "many:\n- port: 1\n- {port: 2, path: x}\n-\n  words: []\n", "name: |\n  two\n  lines\n",
        "name: >-\n  folded\n  text\n", "---\nname: one\n...\n", "name: &n edge\nruntime:\n  path: *n\n",
        "\u{FEFF}name: bom", "name: \"\\u00fc\\U0001F4E6\"", "name: ünïcode", "{name: flow, count: 3}",
    ]) func `settings are read as another library reads them`(text: String) throws {
        let root = try #require(try YAMLReader.read(text))
        let value = try root.decoded(as: Setting.self)
        let expected = try YAMLDecoder().decode(Setting.self, from: text)
        #expect(value == expected)
        #expect(value != Setting() || text.hasSuffix("~") || text.hasSuffix(":"))
    }

    @Test(arguments: ["", "\n", "# nothing\n", "---\n# nothing"]) func `a text without a value is none`(
        text: String
    ) throws {
        let root = try YAMLReader.read(text)
        #expect(root == nil || root?.content == .scalar("", isQuoted: false))
    }

    @Test(arguments: [
        ("name: a\nname: b", "line 2: name is there twice"),
        ("runtime:\n  port: many", "line 2: runtime.port must be a whole number of a size that fits, and is \"many\""),
        ("runtime:\n  port: '80'", "line 2: runtime.port must be a whole number, and is \"80\""),
        ("count: -1", "line 1: count must be a whole number, not negative of a size that fits, and is \"-1\""),
        (
            "count: 5000000000",
            "line 1: count must be a whole number, not negative of a size that fits, and is \"5000000000\""
        ),
        ("isOn: perhaps", "line 1: isOn must be true or false, and is \"perhaps\""),
        ("name: [a]", "line 1: name must be a text, and is a list"),
        ("labels: a", "line 1: labels must be a mapping, and is \"a\""),
        ("many:\n  port: 1", "line 2: many must be a list, and is a mapping"),
        ("many:\n- port: 1\n- port: {}", "line 3: many.1.port must be a whole number, and is a mapping"),
        ("- a", "line 1: this must be a mapping, and is a list"),
        ("name: *who", "line 1: *who names no value that was marked with &who"),
        ("? [a]\n: b", "line 1: a name must be a text"),
        ("name: a\n---\nname: b", "line 3: a second document begins; only one is read"),
        ("name: \"open", "line 1: found unexpected end of stream"),
        ("a: b: c", "line 1: mapping values are not allowed in this context"),
        ("a:\n\t- b", "line 2: found character that cannot start any token"),
    ]) func `what is wrong is said with its line`(text: String, sentence: String) throws {
        #expect {
            _ = try YAMLReader.read(text)?.decoded(as: Setting.self)
        } throws: { error in
            #expect("\(error)" == sentence)
            return error is YAMLFault
        }
    }

    @Test func `a missing value is said with its path`() throws {
        struct Outer: Decodable {
            struct Inner: Decodable { var port: Int }
            var runtime: Inner
        }
        #expect {
            _ = try YAMLReader.read("\nruntime:\n  path: /\n")?.decoded(as: Outer.self)
        } throws: {
            "\($0)" == "line 3: runtime.port is missing"
        }
    }

    @Test func `what lies too deep is refused, and less is not`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try YAMLReader.read(nested(64)) }
        #expect(throws: YAMLFault.self) { try YAMLReader.read(nested(65)) }
        #expect(throws: YAMLFault.self) { try YAMLReader.read(nested(9_000)) }
    }

    @Test func `no text does any harm`() {
        var chance = SystemRandomNumberGenerator()
        let text = Array("runtime:\n  port: 8080\n  words: [a, 'b', \"c\"]\nname: &n |\n  x\nmany: [*n, {a: b}]\n".utf8)
        for _ in 0..<20_000 {
            var bytes = text
            for _ in 0...Int.random(in: 0..<4, using: &chance) {
                bytes[Int.random(in: 0..<bytes.count, using: &chance)] = UInt8.random(in: 0...255, using: &chance)
            }
            _ = try? YAMLReader.read(String(decoding: bytes, as: UTF8.self))?.decoded(as: Setting.self)
        }
    }
}

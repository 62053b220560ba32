import Fleet
import Foundation
import Testing

@Suite struct SelectorTests {
    private static let device = ["site": "berlin", "hw": "orin", "tier": "", "example.com/owner": "a"]

    @Test(
        "a selector matches as in Kubernetes",
        arguments: [
            ("", true), ("   ", true), ("site=berlin", true), ("site==berlin", true), ("site = berlin", true),
            ("site=bonn", false), ("absent=x", false), ("absent=", false), ("tier=", true), ("tier", true),
            ("site!=bonn", true), ("site!=berlin", false), ("absent!=x", true), ("hw in (orin, nano)", true),
            ("hw in(orin)", true), ("hw in (nano)", false), ("absent in (x,y)", false), ("tier in (,x)", true),
            ("hw notin (nano,xavier)", true), ("hw notin (orin)", false), ("absent notin (x)", true),
            ("!absent", true), ("! absent", true), ("!site", false), ("example.com/owner=a", true),
            ("site=berlin,hw in (orin, nano),!debug,tier!=test,env notin (a,b)", true),
            ("site=berlin,hw=nano", false), ("in", false), ("notin notin (in)", true),
        ])
    func matching(text: String, matches: Bool) throws {
        #expect(try Selector(text).matches(try Labels(Self.device)) == matches)
    }

    @Test(
        "spellings of one condition are equal and have one text",
        arguments: [
            ("b,a", "a,b"), ("a==1", "a=1"), ("a in (1)", "a=1"), ("a notin (1)", "a!=1"),
            ("a in (2,1,2)", "a in (1,2)"),
            ("a=1,a=1", "a=1"), (" ! a , b ", "!a,b"), ("a notin ( x , )", "a notin (,x)"), ("a = ,b", "a=,b"),
            ("", ""),
        ])
    func canonical(text: String, canonical: String) throws {
        #expect(try Selector(text).description == canonical)
        #expect(try Selector(text) == (try Selector(canonical)))
    }

    @Test(
        "an error names the place and the remedy",
        arguments: [
            (",", 0, "write a label key"), ("a,", 2, "write a label key"), ("a,,b", 2, "write a label key"),
            ("=x", 0, "write a label key"), ("!", 1, "write a label key"), ("a b", 2, "notin"),
            ("a > 5", 2, "separate"), ("a!b", 2, "!key"), ("a=b c", 4, "separate"), ("a=b=c", 3, "separate"),
            ("a in x", 5, "parentheses"), ("a in (x", 7, "close"), ("a in (x y)", 8, "close"),
            ("a in ()", 6, "at least one"),
            ("a=-", 2, "start and end"), ("ok,-a=1", 3, "start and end"), ("site=köln", 6, "separate"),
            ("a=x/y", 2, "only letters"),
        ])
    func errors(text: String, position: Int, remedy: String) throws {
        let error = try #require(throws: InvalidSelector.self) { try Selector(text) }
        #expect(error.position == position, "\(error)")
        #expect(error.remedy.contains(remedy), "\(error)")
        #expect(error.description.contains("character \(position + 1)"))
    }

    @Test("a selector is at most 4,096 bytes")
    func limit() throws {
        let longest = "a!=" + String(repeating: "x", count: 61)
        let text = Array(repeating: longest, count: 63).joined(separator: ",")
        #expect(try Selector(text).description == longest)
        #expect(throws: InvalidSelector.self) { try Selector(text + "," + longest) }
    }

    @Test("the text of any selector parses to the same selector", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        let text = randomSelector(&generator)
        let selector = try Selector(text)
        #expect(try Selector(selector.description) == selector, "\(text)")
        let labels = try randomLabels(&generator)
        #expect(try Selector(selector.description).matches(labels) == selector.matches(labels))
        #expect(try Selector(labels.description).matches(labels))
    }

    @Test("any text is parsed or refused, never a trap", arguments: 0..<20 as Range<UInt64>)
    func noise(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        let alphabet = Array("ab in notin()=!,/.-_ ö\u{0}\t>")
        for _ in 0..<500 {
            let length = Int.random(in: 0...24, using: &generator)
            let text = String((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
            if let selector = try? Selector(text) {
                #expect((try? Selector(selector.description)) == selector, "\(text)")
            }
        }
    }

    @Test("a selector travels as its text")
    func json() throws {
        let selector = try Selector("site=berlin,!debug")
        let data = try JSONEncoder().encode([selector])
        #expect(String(decoding: data, as: UTF8.self) == #"["!debug,site=berlin"]"#)
        #expect(try JSONDecoder().decode([Selector].self, from: data) == [selector])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Selector].self, from: Data(#"["a b"]"#.utf8))
        }
    }

    private func randomSelector(_ generator: inout SeededGenerator) -> String {
        let keys = ["a", "b", "example.com/c", "in", "notin"]
        let values = ["", "x", "y.1", "in", "Z"]
        let count = Int.random(in: 0...5, using: &generator)
        return (0..<count).map { _ in
            let key = keys[Int.random(in: 0..<keys.count, using: &generator)]
            let value = values[Int.random(in: 0..<values.count, using: &generator)]
            let other = values[Int.random(in: 0..<values.count, using: &generator)]
            return switch Int.random(in: 0..<7, using: &generator) {
            case 0: "\(key)=\(value)"
            case 1: "\(key) == \(value)"
            case 2: "\(key)!=\(value)"
            case 3: "\(key) in (\(value),\(other))"
            case 4: "\(key) notin ( \(value) , \(other) )"
            case 5: key
            default: "!\(key)"
            }
        }.joined(separator: " , ")
    }

    private func randomLabels(_ generator: inout SeededGenerator) throws -> Labels {
        var labels = Labels()
        for key in ["a", "b", "example.com/c", "in"] where Bool.random(using: &generator) {
            try labels.set(key, to: ["", "x", "y.1", "Z"][Int.random(in: 0..<4, using: &generator)])
        }
        return labels
    }
}

/// A small seeded generator, so that a failing seed can be repeated.
///
/// Source: Steele, Lea, Flood 2014, SplitMix64.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

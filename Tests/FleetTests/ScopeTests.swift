import Fleet
import Testing

/// What bounds operators: patterns of model names, and selectors that lie within others.
@Suite struct ScopeTests {
    @Test(
        "a star stands for any characters, everything else for itself",
        arguments: [
            ("detector*", "detector", true), ("detector*", "detector_v2", true), ("detector*", "Detector", false),
            ("detector*", "my-detector", false), ("*detector", "my-detector", true), ("*", "a", true),
            ("a*b*c", "a.b.b.c", true), ("a*b*c", "a.c.b", false), ("ocr", "ocr", true), ("ocr", "ocr2", false),
            ("**a", "aaa", true), ("a*a", "a", false),
        ])
    func patterns(pattern: String, name: String, matches: Bool) throws {
        #expect(try #require(ModelPattern(pattern)).matches(try ModelName(name)) == matches)
    }

    @Test(
        "what can match no name is no pattern",
        arguments: ["", "a b", "a/b", "ä", "?", String(repeating: "a", count: 129)])
    func noPattern(text: String) { #expect(ModelPattern(text) == nil) }

    @Test(
        "a selector is within another one where it can find nothing else",
        arguments: [
            ("site=berlin", "site=berlin", true), ("site=berlin,hw=orin", "site=berlin", true),
            ("hw=orin", "site=berlin", false), ("", "site=berlin", false), ("site=berlin", "", true),
            ("site in (berlin,paris)", "site=berlin", false), ("site=berlin", "site in (berlin,paris)", true),
            ("site=berlin", "site!=paris", true), ("!site", "site!=paris", true), ("site", "site!=paris", false),
            ("site=berlin", "site", true), ("site!=paris", "site", false), ("!site", "site", false),
            ("site in (berlin,paris),site!=paris", "site=berlin", true), ("site=a,site=b", "hw=orin", true),
        ])
    func containment(inner: String, outer: String, isWithin: Bool) throws {
        #expect(try Selector(inner).isWithin(try Selector(outer)) == isWithin)
    }

    @Test("containment is what trying every set of labels says")
    func containmentByTrial() throws {
        let parts = [
            "a=1", "a=2", "a!=1", "a in (1,2)", "a notin (1,2)", "a", "!a", "b=1", "b!=1", "b", "!b", "b in (1,3)",
        ]
        var selectors = [Selector.everything]
        for first in parts { for second in parts { selectors.append(try Selector("\(first),\(second)")) } }
        // One value more than any selector names stands for all others.
        let values: [String?] = [nil, "1", "2", "3", "4"]
        let labels = try values.flatMap { a in
            try values.map { b in
                var labels = Labels()
                if let a { try labels.set("a", to: a) }
                if let b { try labels.set("b", to: b) }
                return labels
            }
        }
        let found = selectors.map { selector in labels.map { selector.matches($0) } }
        var within = 0
        for (inner, ofInner) in zip(selectors, found) {
            for (outer, ofOuter) in zip(selectors, found) {
                let expected = zip(ofInner, ofOuter).allSatisfy { !$0 || $1 }
                #expect(inner.isWithin(outer) == expected, "\(inner) within \(outer)")
                within += expected ? 1 : 0
            }
        }
        #expect(within > selectors.count)
        let both = try Selector("a=1").and(try Selector("b!=1"))
        #expect(labels.allSatisfy { both.matches($0) == ($0["a"] == "1" && $0["b"] != "1") })
    }
}

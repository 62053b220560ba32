import Testing

/// The rules, held against the package and against texts that break them.
@Suite struct TidyRuleTests {
    /// A file of the layer that a rule is for.
    private func file(_ text: String, for rule: TidyRule) throws -> SourceFile {
        let files = ["Core", "Service", "Programs"].map { SourceFile(path: "Sources/\($0)/A/A.swift", text: text) }
        return try #require(files.first(where: rule.covers))
    }

    @Test("a rule finds each text that breaks it", arguments: TidyRule.all)
    func finds(rule: TidyRule) throws {
        #expect(!rule.breaking.isEmpty)
        for text in rule.breaking {
            let file = try file(text, for: rule)
            #expect(!rule.findings(in: [file]).isEmpty, "\(text.prefix(80))")
        }
    }

    @Test("a rule lets through what only looks like breaking it", arguments: TidyRule.all)
    func passes(rule: TidyRule) throws {
        for text in rule.keeping {
            let file = try file(text, for: rule)
            #expect(rule.findings(in: [file]) == [], "\(text.prefix(80))")
        }
    }

    @Test("the sources and tests keep every rule", arguments: TidyRule.all)
    func kept(rule: TidyRule) {
        #expect(SourceTree.sources.count > 100 && SourceTree.tests.count > 50)
        let findings = rule.findings(in: SourceTree.sources + SourceTree.tests + [SourceTree.package])
        #expect(findings == [])
    }

    @Test("nothing that people read or run names a place on the machine it was written on")
    func placeless() throws {
        let rule = try #require(TidyRule.all.first { $0.title.contains("a place on the machine") })
        #expect(rule.findings(in: SourceTree.others) == [])
    }

    @Test("a program's file has at most 200 lines, and no core file more than others")
    func otherLimits() throws {
        let rule = try #require(TidyRule.all.first { $0.title.hasPrefix("a file has") })
        func isFound(_ path: String, _ lines: Int) -> Bool {
            !rule.findings(in: [SourceFile(path: path, text: String(repeating: "\n", count: lines))]).isEmpty
        }
        #expect(isFound("Sources/Programs/edgectl/A.swift", 201))
        #expect(!isFound("Sources/Programs/edgectl/A.swift", 200))
        #expect(isFound("Sources/Core/Rollouts/Rollout.swift", 401))
        #expect(!isFound("Sources/Core/Rollouts/Rollout.swift", 400))
    }
}

@Suite struct SwiftTextTests {
    @Test(
        "comments and texts are no code, and their lines stay where they are",
        arguments: [
            ("a // b", "a"), ("a /* b /* c */ d */ e", "a e"), ("\"a\" b", "b"), ("\"\\\"a\" b", "b"),
            ("\"\"\"\na \"b\" c\n\"\"\" d", "d"), ("#\"a\"b\"# c", "c"), ("\"a \\(b(\"c\")) d\" e", "e"),
            ("##\"a\"# b\"## c", "c"), ("a/b", "a b"), ("\"//\" a", "a"), ("\"\\\\\" a", "a"),
        ])
    func blanked(source: String, words: String) {
        let text = SwiftText(source)
        #expect(text.words.map(\.text).joined(separator: " ") == words)
        #expect(text.code.count == source.utf8.count)
        #expect(text.code.count { $0 == 0x0A } == source.utf8.count { $0 == 0x0A })
    }

    @Test("a word knows its line and what stands around it")
    func places() {
        let words = SwiftText("a\n  b.c(d)").words
        #expect(words.map(\.line) == [1, 2, 2, 2])
        #expect(words[2].before == UInt8(ascii: ".") && words[2].after == UInt8(ascii: "("))
    }
}

import Testing

@testable import PrometheusExposition

@Suite struct PrometheusTextParserTests {
    private func parse(_ text: String, _ limits: PrometheusTextParser.Limits = .init()) throws -> [PrometheusSample] {
        try PrometheusTextParser(limits: limits).parse(Array(text.utf8))
    }

    @Test(
        "a sample is read in every spelling that exporters use",
        arguments: [
            ("a 1", PrometheusSample(name: "a", value: 1)),
            ("a{} 1", PrometheusSample(name: "a", value: 1)),
            ("  a \t 1.5e3  ", PrometheusSample(name: "a", value: 1_500)),
            ("a 1\r", PrometheusSample(name: "a", value: 1)),
            ("a 1 1732413979123", PrometheusSample(name: "a", value: 1)),
            ("a_total 1 # {trace=\"x\"} 1 1.5", PrometheusSample(name: "a_total", value: 1)),
            ("a 1 2 # {trace=\"x\"} 1", PrometheusSample(name: "a", value: 1)),
            ("a{x=\"1\",} 2", PrometheusSample(name: "a", labels: ["x": "1"], value: 2)),
            ("a { x = \"1\" , y=\"2\" } 2", PrometheusSample(name: "a", labels: ["x": "1", "y": "2"], value: 2)),
            (#"a{x="\\\"\n\t,}#"} 2"#, PrometheusSample(name: "a", labels: ["x": "\\\"\n\\t,}#"], value: 2)),
            (#"{"a.b",x="1"} 2"#, PrometheusSample(name: "a.b", labels: ["x": "1"], value: 2)),
            (#"{"a.b"} 2"#, PrometheusSample(name: "a.b", value: 2)),
            (#"a{"x y"="1"} 2"#, PrometheusSample(name: "a", labels: ["x y": "1"], value: 2)),
            ("a:b{x=\"köln\"} +Inf", PrometheusSample(name: "a:b", labels: ["x": "köln"], value: .infinity)),
            ("a -inf", PrometheusSample(name: "a", value: -.infinity)),
        ])
    func spellings(line: String, sample: PrometheusSample) throws {
        #expect(try parse(line) == [sample])
    }

    @Test("NaN is a value")
    func nan() throws {
        #expect(try parse("a NaN").first?.value.isNaN == true)
    }

    @Test("comments, blank lines and what follows the end mark are skipped")
    func skipped() throws {
        let text = "# HELP a Help.\n# TYPE a counter\n\n   \na 1\n#\nb 2\n# EOF\nno sample"
        #expect(try parse(text).map(\.name) == ["a", "b"])
        #expect(try parse("").isEmpty)
    }

    @Test(
        "a line that is no sample fails the text and is named",
        arguments: [
            ("<html>", "name"), ("a", "value"), ("a one", "number"), ("a 0x10", "number"), ("a nan(1)", "number"),
            ("{} 1", "name"), ("a{x} 1", "'='"), ("a{x=1} 1", "quotes"), ("a{x=\"1} 1", "does not end"),
            ("a{x=\"1\" y=\"2\"} 1", "do not end"), ("a{x=\"1\"", "do not end"), ("a{,} 1", "name or '='"),
            ("a 1 2 3", "follows the timestamp"), ("a 1 x", "timestamp"), ("a{x=\"1\\", "does not end"),
        ])
    func malformed(line: String, fault: String) throws {
        let error = try #require(throws: PrometheusTextError.self) { try parse("ok 1\n" + line) }
        guard case .malformed(2, let clause) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(clause.contains(fault))
        #expect(error.description.contains("line 2"))
    }

    @Test("size, samples and labels are limited")
    func limits() {
        #expect(throws: PrometheusTextError.tooLarge(bytes: 4, limitBytes: 3)) {
            try parse("a 1\n", .init(bytes: 3))
        }
        #expect(throws: PrometheusTextError.tooManySamples(limit: 2)) {
            try parse("a 1\nb 1\nc 1", .init(samples: 2))
        }
        #expect(throws: PrometheusTextError.tooManyLabels(line: 1, limit: 1)) {
            try parse("a{x=\"1\",y=\"2\"} 1", .init(labels: 1))
        }
    }

    @Test("random and damaged bytes are read or refused, never a trap", arguments: 0..<40 as Range<UInt64>)
    func noise(seed: UInt64) {
        var generator = SplitMix(state: seed)
        let alphabet = Array("a_{}=\",\\n#1.eE+- \t\n\r\u{FF}EOFNaNInf".utf8) + [0, 0x80, 0xFF]
        let sound = Array("# HELP a b\na{x=\"1\",y=\"2\"} 1.5 17\nb_bucket{le=\"+Inf\"} 3 # {t=\"1\"} 1\n# EOF\n".utf8)
        for _ in 0..<500 {
            let noise = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            _ = try? PrometheusTextParser().parse(noise)
            var damaged = sound
            for _ in 0..<3 {
                damaged[Int.random(in: 0..<damaged.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            _ = try? PrometheusTextParser().parse(damaged)
            _ = try? PrometheusTextParser().parse(
                Array(sound.prefix(Int.random(in: 0...sound.count, using: &generator))))
        }
    }
}

/// A small seeded generator, so that a failing seed can be repeated.
///
/// Source: Steele, Lea, Flood 2014, SplitMix64.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

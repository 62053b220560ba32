import ArgumentParser
import EdgeOrchestrator
import Fleet
import Rollouts
import Terminal
import Testing
import WireFormat

@testable import edgectl

@Suite struct LineDiffTests {
    private func diff(_ old: String, _ new: String) -> String {
        LineDiff.lines(from: old, to: new).map(\.styled.text).joined(separator: "|")
    }

    @Test(
        "every line of both texts is told once, in order, removed before added",
        arguments: [
            ("a\nb\n", "a\nb\n", ""), ("", "a\nb", "+ a|+ b"), ("a\nb", "", "- a|- b"),
            ("a\nb\nc", "a\nx\nc", "  a|- b|+ x|  c"), ("b", "a\nb\nc", "+ a|  b|+ c"), ("a\nb\nc", "b", "- a|  b|- c"),
        ])
    func lines(old: String, new: String, expected: String) {
        #expect(diff(old, new) == expected)
    }

    @Test("a text is got back from its difference")
    func bothSides() {
        let old = "a\nb\nc\nd\ne"
        let new = "x\na\nc\ny\ne\nz"
        let lines = LineDiff.lines(from: old, to: new)
        let before = lines.compactMap { line in
            switch line {
            case .kept(let text), .removed(let text): text
            case .added: nil
            }
        }
        let after = lines.compactMap { line in
            switch line {
            case .kept(let text), .added(let text): text
            case .removed: nil
            }
        }
        #expect(before.joined(separator: "\n") == old)
        #expect(after.joined(separator: "\n") == new)
    }
}

@Suite struct ArgumentsTests {
    @Test(
        "a span is read with its unit, seconds by default",
        arguments: [
            ("30s", 30), ("10m", 600), ("1h", 3600), ("2d", 172_800), ("45", 45), ("0", 0), ("1.5h", 5400),
            ("0.5", 0.5),
        ])
    func span(text: String, seconds: Double) {
        #expect(Span(argument: text)?.seconds == seconds)
    }

    @Test(
        "anything else is no span",
        arguments: ["", "s", "-1", "-1m", "nan", "inf", "infd", "1w", "1e10", "10 m", "m10"])
    func noSpan(text: String) {
        #expect(Span(argument: text) == nil)
    }

    @Test("pairs are read at their first equals sign")
    func pairs() throws {
        #expect(
            try KeyValues.parsed(["git=4f2a", "url=a=b", "empty="], option: "--meta")
                == ["git": "4f2a", "url": "a=b", "empty": ""])
        #expect(try KeyValues.parsed([], option: "--meta").isEmpty)
    }

    @Test(
        "a pair without a key or a sign, and a key that comes twice, are refused by their text",
        arguments: [
            (["git"], "--meta git: write it as KEY=VALUE"), (["=a"], "--meta =a: write it as KEY=VALUE"),
            ([""], "--meta : write it as KEY=VALUE"), (["a=1", "a=2"], "--meta a is given twice; give it once"),
        ])
    func badPairs(texts: [String], says: String) throws {
        let failure = try #require(
            #expect(throws: CommandFailure.self) { try KeyValues.parsed(texts, option: "--meta") })
        #expect(failure == .invalid(says))
    }
}

@Suite struct ExitReportTests {
    private struct Unexpected: Error {}

    private func problem(_ status: Int, code: String = "c", detail: String = "no") -> OrchestratorError {
        .problem(Problem(code: code, title: "Title", status: status, detail: detail))
    }

    @Test(
        "a refusal of what was sent is invalid input; any other failure is a failure",
        arguments: [
            (400, edgectl.ExitStatus.invalid), (413, .invalid), (415, .invalid), (422, .invalid), (401, .failure),
            (403, .failure),
            (404, .failure), (409, .failure), (412, .failure), (429, .failure), (500, .failure), (503, .failure),
        ])
    func problems(status: Int, exit: edgectl.ExitStatus) {
        #expect(ExitReport(problem(status)).status == exit)
    }

    @Test("what a person can mend in a file or an argument is invalid input, told in its own words")
    func invalid() throws {
        let errors: [any Error] = [
            try #require(#expect(throws: InvalidName.self) { try ModelName("a b") }),
            FieldFault(field: "f", remedy: "r"), ManifestFault(file: "a", line: 3, fault: "wrong"),
            CommandFailure.invalid("bad"), OrchestratorError.invalidServer("x"),
        ]
        for error in errors {
            let report = ExitReport(error)
            #expect(report.status == .invalid)
            #expect(report.text == "\(error)")
        }
    }

    @Test("other failures are failures, and a quiet end says nothing")
    func failures() {
        #expect(ExitReport(CommandFailure.failed("no")).status == .failure)
        #expect(
            ExitReport(OrchestratorError.unreachable(server: "s", reason: "r", isTransient: true)).status == .failure)
        #expect(ExitReport(Unexpected()).status == .failure)
        for status in edgectl.ExitStatus.allCases {
            #expect(ExitReport(QuietExit(status: status)).status == status)
            #expect(ExitReport(QuietExit(status: status)).text == nil)
        }
    }

    @Test("missing and weak credentials are told with what to do, and faults below")
    func remedies() {
        #expect(ExitReport(problem(401)).text == "no; check EDGECTL_KEY, --api-key or the profile's key")
        #expect(
            ExitReport(problem(403, code: "role_needed")).text?.hasSuffix("`edgectl apikey create NAME --role ROLE`")
                == true)
        #expect(ExitReport(problem(403, code: "out_of_scope")).text?.contains("--model NAME") == true)
        #expect(ExitReport(problem(403, code: "other_person_needed")).text == "no")
        #expect(ExitReport(problem(409, detail: "")).text == "Title")
        let faulty = OrchestratorError.problem(
            Problem(
                code: "c", title: "t", status: 422, detail: "a field is not valid",
                faults: [FieldFault(field: "f", remedy: "use 1")]))
        #expect(ExitReport(faulty).text == "a field is not valid\n  f: use 1")
    }

    @Test("help and version are answers", arguments: [["--help"], ["--version"], ["rollout", "--help"]])
    func answers(arguments: [String]) throws {
        let error = try #require(
            #expect(throws: (any Error).self) {
                var command = try Edgectl.parseAsRoot(arguments)
                try command.run()
            })
        let report = ExitReport(error)
        #expect(report.status == .success)
        #expect(report.isAnswer)
        #expect(report.text?.isEmpty == false)
    }

    @Test(
        "arguments that cannot be read are invalid input",
        arguments: [["nope"], ["rollout", "show"], ["get", "--output", "xml"], ["rollout", "show", "a/b"]])
    func badArguments(arguments: [String]) throws {
        let error = try #require(#expect(throws: (any Error).self) { _ = try Edgectl.parseAsRoot(arguments) })
        let report = ExitReport(error)
        #expect(report.status == .invalid)
        #expect(report.text?.hasPrefix("Error:") == false)
        #expect(!report.isAnswer)
    }
}

@Suite struct RenderingTests {
    private let now = Timestamp(milliseconds: 1_767_225_600_000)

    @Test("programs get sorted JSON that ends with a line's end")
    func json() throws {
        struct Value: Encodable { let b = "a/b", a = [1] }
        #expect(try Rendering.json(Value()) == "{\n  \"a\" : [\n    1\n  ],\n  \"b\" : \"a/b\"\n}\n")
    }

    @Test("a moment is told as how long ago it was, or how soon it is")
    func ages() {
        #expect(Rendering.age(now.adding(seconds: -192), now: now) == "3m12s")
        #expect(Rendering.age(now.adding(seconds: 60), now: now) == "in 1m00s")
        #expect(Rendering.age(nil, now: now) == "-")
        #expect(Rendering.time(now, wide: false, now: now).text == "0s")
        #expect(Rendering.time(now, wide: true, now: now).text == "0s (\(now))")
        #expect(Rendering.time(nil, wide: true, now: now).text == "-")
    }

    @Test("a number that is absent is a dash")
    func numbers() {
        #expect(Rendering.number(1.5) == "1.50")
        #expect(Rendering.number(nil) == "-")
        #expect(Rendering.number(12, digits: 0) == "12")
    }
}

import Foundation
import Rollouts
import Testing
import WireFormat

@Suite struct ProblemTests {
    private let problem = Problem(
        code: "invalid_fields", title: "Invalid fields", status: 422, detail: "2 fields are not valid",
        faults: [FieldFault(field: "a", remedy: "leave it out"), FieldFault(field: "b[0].c", remedy: "use 1 to 9")])

    @Test("a problem reads back what it writes, with faults and without")
    func roundTrip() throws {
        for problem in [problem, Problem(code: "c", title: "t", status: 404, detail: "d")] {
            let bytes = try JSONEncoder().encode(problem)
            #expect(try JSONDecoder().decode(Problem.self, from: bytes) == problem)
        }
    }

    @Test("its code is sent as a URN, and empty faults are not sent")
    func written() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let text = String(
            decoding: try encoder.encode(Problem(code: "unready", title: "t", status: 503, detail: "d")), as: UTF8.self)
        #expect(text == #"{"detail":"d","status":503,"title":"t","type":"urn:edgeorch:problem:unready"}"#)
    }

    @Test(
        "problems of others are read as far as they go",
        arguments: [
            ("{}", "about:blank", 0),
            (#"{"type": "https://example.com/p", "status": 502}"#, "https://example.com/p", 502),
            (#"{"type": "urn:edgeorch:problem:x", "extra": [1]}"#, "x", 0), (#"{"detail": null}"#, "about:blank", 0),
        ])
    func foreign(json: String, code: String, status: Int) throws {
        let problem = try JSONDecoder().decode(Problem.self, from: Data(json.utf8))
        #expect(problem.code == code)
        #expect(problem.status == status)
        #expect(problem.faults.isEmpty)
    }

    @Test("it is told in one line, faults with their remedies")
    func described() {
        #expect(problem.description == "2 fields are not valid (a: leave it out; b[0].c: use 1 to 9)")
        #expect(Problem(code: "c", title: "t", status: 404, detail: "d").description == "d")
    }
}

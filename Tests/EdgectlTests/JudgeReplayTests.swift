import Foundation
import Testing

@testable import edgectl

/// `edgectl judge replay` as a program.
@Suite struct JudgeReplayTests {
    /// A directory of traces that is removed at the end.
    private final class Traces {
        let path: String

        init() throws {
            path = NSTemporaryDirectory() + "traces-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ file: String, of trace: String, _ text: String) throws {
            let directory = path + "/" + trace
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try text.write(toFile: directory + "/" + file, atomically: true, encoding: .utf8)
        }

        /// 60 devices in ten minutes; the first ten are canaries that fail so often of 40 requests.
        func add(_ trace: String, canaryFailures: Int) throws {
            var devices = "device,arm,step,commanded_at,exposed_at,stratum,history_requests,history_failures\r\n"
            var rows = "time,device,requests,failures\r\n"
            for device in 0..<60 {
                devices += "d\(device),\(device < 10 ? "canary,1,0,10" : "baseline,,,"),a,4000,100\r\n"
            }
            for tick in 1...20 {
                for device in 0..<60 {
                    let failures =
                        device < 10 && tick > 1 ? canaryFailures : (tick + device) % 2 + (tick + device) % 3 / 2
                    rows += "\(tick * 30),d\(device),40,\(failures)\r\n"
                }
            }
            try write("devices.csv", of: trace, devices)
            try write("observations.csv", of: trace, rows)
            try write("policy.yaml", of: trace, "budget: 1%\ntick: 30s\nsoak: 2m\ntolerances: 1.5\n")
        }
    }

    private func run(_ arguments: [String]) throws -> (status: Int32, output: String, errors: String) {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("edgectl")
        let process = Process()
        process.executableURL = program
        process.arguments = ["judge", "replay"] + arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text, said)
    }

    private func objects(_ text: String) throws -> [[String: any Sendable]] {
        try text.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: any Sendable])
        }
    }

    @Test("each trace has one line with its decision, in the order of the arguments")
    func decisions() throws {
        let traces = try Traces()
        try traces.add("bad", canaryFailures: 12)
        try traces.add("good", canaryFailures: 0)
        let names = [traces.path + "/good", traces.path + "/bad", traces.path + "/good"]
        let (status, output, errors) = try run(names)
        #expect(status == 0 && errors.isEmpty)
        let lines = try objects(output)
        #expect(lines.map { $0["trace"] as? String } == names)
        #expect(lines.map { $0["decision"] as? String } == ["promote", "rollback", "promote"])
        let keys = ["trace", "decision", "time_seconds", "step", "metric", "test", "reason", "suspect", "steps"]
        #expect(lines.allSatisfy { Set($0.keys) == Set(keys) })
        #expect(lines[1]["metric"] as? String == "failures" && lines[1]["reason"] as? String == "harm_proven")
        #expect(lines[1]["step"] as? Int == 1 && lines[1]["steps"] as? [Double] == nil)
        #expect((lines[0]["steps"] as? [Double])?.first == lines[0]["time_seconds"] as? Double)
        #expect(output.split(separator: "\n")[1].hasSuffix(#""steps":[null]}"#))
    }

    @Test("a directory of traces stands for all of them; every tick has a line where that is wanted")
    func directory() throws {
        let traces = try Traces()
        for name in ["b", "a"] { try traces.add(name, canaryFailures: 0) }
        let (status, output, _) = try run([traces.path, "--verbose"])
        let lines = try objects(output)
        let decisions = lines.filter { $0["decision"] != nil }
        #expect(status == 0 && lines.count == 42)
        #expect(decisions.map { $0["trace"] as? String } == [traces.path + "/a", traces.path + "/b"])
        #expect(lines[0]["tick"] as? Int == 1 && lines[0]["recommendation"] as? String == "undecided")
    }

    @Test("a trace that cannot be read is named by file and line, and the others are judged")
    func fault() throws {
        let traces = try Traces()
        try traces.add("bad", canaryFailures: 12)
        try traces.add("broken", canaryFailures: 0)
        try traces.write("observations.csv", of: "broken", "time,device,requests,failures\n30,d1,x,0\n")
        let (status, output, errors) = try run([traces.path + "/broken", traces.path + "/none", traces.path + "/bad"])
        #expect(status == 2)
        #expect(try objects(output).map { $0["decision"] as? String } == ["rollback"])
        #expect(errors.contains("broken/observations.csv:2: requests \"x\" is not a number"))
        #expect(errors.contains("none/observations.csv: cannot be read: No such file or directory"))
    }

    @Test("without a policy the product's defaults hold; a warning names file and line")
    func policies() throws {
        let traces = try Traces()
        try traces.add("a", canaryFailures: 0)
        try traces.write("policy.yaml", of: "a", "budget: 1%\ncolour: red\n")
        let (status, _, errors) = try run([traces.path + "/a"])
        #expect(status == 0 && errors.contains("a/policy.yaml:2: field colour is unknown"))
        try FileManager.default.removeItem(atPath: traces.path + "/a/policy.yaml")
        // The soak of ten minutes is over with the last tick.
        #expect(try objects(try run([traces.path + "/a"]).output).first?["time_seconds"] as? Double == 600)
    }
}

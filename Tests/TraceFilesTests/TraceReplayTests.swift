import CanaryAnalysis
import FleetSimulation
import RecordedFleets
import Testing

@testable import TraceFiles

@Suite struct TraceReplayTests {
    private func fault(_ trace: SampleTrace) throws -> TraceFault {
        try #require(#expect(throws: TraceFault.self) { try trace.judged() })
    }

    /// A trace of two devices with other columns.
    private func small(_ devices: String, _ observations: String) -> SampleTrace {
        var trace = SampleTrace()
        (trace.devices, trace.observations) = (devices, observations)
        return trace
    }

    // MARK: - Judging

    @Test("a harmful version is taken back and a good one is not")
    func judging() throws {
        let bad = try SampleTrace(canaryFailures: 20).judged()
        #expect(bad.decision == .rollback && bad.metric == "failures" && bad.step == 1)
        #expect(try SampleTrace(canaryFailures: 0).judged().decision == .promote)
    }

    @Test("units of a recording are compared whole, and one that is not drawn whole is a fault of its line")
    func units() throws {
        var trace = SampleTrace(canaryFailures: 20)
        let lines = trace.devices.split(separator: "\n")
        func units(_ unit: (Int) -> String) -> String {
            (["\(lines[0]),unit"] + lines.dropFirst().enumerated().map { "\($1),\(unit($0))" })
                .joined(separator: "\n") + "\n"
        }
        trace.devices = units { "site\($0 / 2)" }
        let heard = SampleTrace.Heard()
        let outcome = try trace.judged(heard)
        #expect(outcome.decision == .rollback && heard.warnings.isEmpty)
        #expect(
            heard.ticks[0].ticks[0].judgement.units == UnitCounts(label: "unit", canaries: 4, others: 16))
        var labelled = trace
        labelled.devices = trace.devices.replacing(",unit\n", with: ",label_site\n")
        labelled.policy.unitLabel = "site"
        let (again, unlabelled) = (SampleTrace.Heard(), SampleTrace.Heard())
        #expect(try labelled.judged(again) == outcome)
        #expect(
            again.ticks[0].ticks[0].judgement.units == UnitCounts(label: "site", canaries: 4, others: 16))
        labelled.policy.unitLabel = "rack"
        _ = try labelled.judged(unlabelled)
        #expect(unlabelled.ticks[0].ticks[0].judgement.units == nil)
        #expect(unlabelled.warnings.count { $0.contains("there is no column label_rack") } == 1)
        trace.devices = units { "site\($0 / 3)" }
        let fault = try fault(trace)
        #expect(fault.description.contains("devices.csv:10"))
        #expect(fault.description.contains("unit \"site2\" has devices that another step drew"))
    }

    @Test("ticks end at multiples of their length, also those without rows, up to the last row")
    func ticks() throws {
        var trace = SampleTrace(ticks: 1)
        trace.observations += "100.5,d1,50,0\n180,d2,50,0\n"
        let heard = SampleTrace.Heard()
        #expect(try trace.judged(heard).timeSeconds == 180)
        #expect(heard.ticks.map(\.time) == [30, 60, 90, 120, 150, 180])
        #expect(heard.ticks.allSatisfy { $0.ticks.map(\.step) == [1] })
        #expect(heard.bytes == UInt64(trace.observations.utf8.count))
    }

    @Test("the bytes may come in any portions")
    func portions() throws {
        var trace = SampleTrace(canaryFailures: 20, ticks: 6)
        let whole = try trace.judged()
        for portion in [1, 3, 64] {
            trace.portion = portion
            #expect(try trace.judged() == whole)
        }
    }

    @Test("rows that are not sorted by time are sorted, and that is said")
    func unsorted() throws {
        var trace = SampleTrace(canaryFailures: 20, ticks: 12)
        let (sorted, heard) = (SampleTrace.Heard(), SampleTrace.Heard())
        let outcome = try trace.judged(sorted)
        let lines = trace.observations.split(separator: "\n")
        trace.observations = ([lines[0]] + lines.dropFirst().reversed()).joined(separator: "\n")
        #expect(try trace.judged(heard) == outcome)
        #expect(heard.restarts == 1 && heard.warnings.count == 1 && heard.warnings[0].contains("not sorted by time"))
        #expect(heard.ticks.map { $0.ticks.map(\.judgement) } == sorted.ticks.map { $0.ticks.map(\.judgement) })
    }

    @Test("more unsorted rows than fit are refused, with a command that sorts them")
    func tooManyUnsorted() throws {
        let trace = SampleTrace()
        let index = try trace.listed().index
        var file = try ObservationFile(MemoryBytes(trace.observations), file: "observations.csv")
        let fault = try #require(#expect(throws: TraceFault.self) { try RowStore(&file, index, limitBytes: 6_000) })
        #expect(fault.line == 102 && fault.fault.contains("sort -s -t, -k1,1g"))
    }

    @Test("columns may stand in any order, and one that is unknown is named once")
    func columns() throws {
        let trace = small(
            "exposed_at,note,arm,device,step,commanded_at\n20,x,canary,a,1,0\n,y,baseline,b,,\n",
            "failures,device,colour,requests,time\n1,a,red,10,30\n0,b,red,10,30\n")
        let heard = SampleTrace.Heard()
        _ = try trace.judged(heard)
        #expect(
            heard.warnings == [
                "devices.csv:1: column note is unknown; it is left out",
                "observations.csv:1: column colour is unknown; it is left out",
            ])
        #expect(try trace.rows().map(\.measurements.failures) == [1, 0])
    }

    // MARK: - What is measured

    @Test("latency counts that accumulate become buckets, with and without the last one")
    func latency() throws {
        let devices =
            "device,arm,step,commanded_at,history_requests,history_failures,history_latency_le_0.1"
            + ",history_latency_le_0.5\na,canary,1,0,100,1,50,90\nb,baseline,,,0,0,,\n"
        let open = small(devices, "time,device,requests,failures,latency_le_0.5,latency_le_0.1\n30,a,10,0,7,4\n")
        let closed = small(
            devices,
            "time,device,requests,failures,latency_le_0.1,latency_le_0.5,latency_le_+Inf\n"
                + "30,a,10,0,4,7,9\n30,b,5,0,,,\n"
        )
        #expect(try open.rows().map(\.measurements.latency) == [[4, 3, 3]])
        #expect(try closed.rows().map(\.measurements.latency) == [[4, 3, 2], []])
        let listed = try closed.listed()
        #expect(listed.names.latencyBounds == [0.1, 0.5])
        #expect(listed.devices.map(\.history.latency) == [[50, 40, 10], []])
    }

    @Test("buckets that only one file has are merged into their neighbours")
    func otherBuckets() throws {
        let trace = small(
            "device,arm,step,commanded_at,history_latency_le_0.2,history_latency_le_0.5,history_requests\n"
                + "a,canary,1,0,50,90,100\n",
            "time,device,requests,failures,latency_le_0.1,latency_le_0.2\n30,a,10,0,4,7\n")
        #expect(try trace.listed().names.latencyBounds == [0.2])
        #expect(try trace.rows().map(\.measurements.latency) == [[7, 3]])
        #expect(try trace.listed().devices.map(\.history.latency) == [[50, 50]])
    }

    @Test("a mean is of its count, else of the requests, and an empty cell measured nothing")
    func means() throws {
        let trace = small(
            "device,arm,step,commanded_at,history_mean_heat,history_count_heat\na,canary,1,0,40,10\n",
            "time,device,requests,failures,mean_confidence,mean_heat,count_heat\n"
                + "30,a,10,0,0.5,-2,3\n60,a,10,0,,,\n90,a,4,0,0.25,7,\n")
        #expect(try trace.listed().names.means == ["confidence", "heat"])
        #expect(try trace.listed().devices[0].history.means == [Tally(), Tally(count: 10, total: 400)])
        let expected = [
            [Tally(count: 10, total: 5), Tally(count: 3, total: -6)], [Tally(), Tally()],
            [Tally(count: 4, total: 1), Tally(count: 4, total: 28)],
        ]
        #expect(try trace.rows().map(\.measurements.means) == expected)
    }

    @Test("labels, strata and what is empty are read")
    func devices() throws {
        let trace = small(
            "device,arm,step,commanded_at,exposed_at,stratum,label_hw,label_site\n"
                + "a,canary,2,60,,north,orin,\n\"b, c\",Baseline,,,,,,x\nd,outside,1,3,90,,,\n",
            "time,device,requests,failures\n")
        let devices = try trace.listed().devices
        #expect(devices.map(\.id) == ["a", "b, c", "d"] && devices.map(\.arm) == [.canary, .baseline, .outside])
        #expect(devices.map(\.step) == [2, nil, nil] && devices.map(\.commandedAt) == [60, nil, nil])
        #expect(devices[0].labels == ["hw": "orin"] && devices[0].stratum == "north" && devices[0].exposedAt == nil)
        #expect(try trace.judged().reason == "no_step" || (try trace.judged()).decision == .hold)
    }

    // MARK: - What is refused

    @Test(
        "a row that makes no sense is refused by its line",
        arguments: [
            ("30,d1,50", 2, "3 fields"), ("30,d1,50,0,1", 2, "5 fields"), ("x,d1,50,0", 2, "time \"x\""),
            (",d1,50,0", 2, "time is empty"), ("30,ghost,50,0", 2, "not in devices.csv"),
            ("30,d1,50,-1", 2, "failures is below 0"), ("30,d1,50,0.5", 2, "whole number"),
            ("30,d1,5,6", 2, "more failures than requests"), ("30,d1,9e12,6", 2, "running total"),
            ("30,d1,50,0\n\n\n30,d1,5o,0", 5, "requests \"5o\" is not a number"),
            ("1764115200000,d1,50,0", 2, "not since 1970"), ("30,\"d1,50,0", 2, "quote"),
        ])
    func badRows(rows: String, line: Int, words: String) throws {
        var trace = SampleTrace()
        trace.observations = "time,device,requests,failures\n\(rows)\n"
        let fault = try fault(trace)
        #expect(fault.description.hasPrefix("observations.csv:\(line): ") && fault.fault.contains(words), "\(fault)")
    }

    @Test("buckets that do not accumulate are refused")
    func badBuckets() throws {
        var trace = SampleTrace()
        trace.observations = "time,device,requests,failures,latency_le_0.1,latency_le_0.2\n30,d1,50,0,9,8\n"
        #expect(try fault(trace).description.hasPrefix("observations.csv:2: latency_le_0.2 is less than"))
    }

    @Test(
        "a device that makes no sense is refused by its line",
        arguments: [
            ("d1,canary,,0,,s", 2, "needs the step"), ("d1,canary,0,0,,s", 2, "step 0 must be"),
            ("d1,canary,1.5,0,,s", 2, "step 1.5"), ("d1,canry,1,0,,s", 2, "arm \"canry\""),
            ("d1,canary,1,soon,,s", 2, "commanded_at \"soon\""), (",baseline,,,,s", 2, "no name"),
            ("d1,baseline,,,,s\nd1,baseline,,,,s", 3, "comes twice"), ("d1,baseline", 2, "2 fields"),
        ])
    func badDevices(rows: String, line: Int, words: String) throws {
        var trace = SampleTrace()
        trace.devices = "device,arm,step,commanded_at,exposed_at,stratum\n\(rows)\n"
        let fault = try fault(trace)
        #expect(fault.description.hasPrefix("devices.csv:\(line): ") && fault.fault.contains(words), "\(fault)")
    }

    @Test("files without what must be in them are refused")
    func badFiles() throws {
        var trace = SampleTrace()
        trace.observations = ""
        #expect(try fault(trace).fault.contains("the file is empty"))
        trace.observations = "time,device,requests\n"
        #expect(try fault(trace).description.hasPrefix("observations.csv:1: column failures is missing"))
        trace.observations = "time,time,device,requests,failures\n"
        #expect(try fault(trace).fault.contains("column time comes twice"))
        trace = SampleTrace()
        trace.devices = "device,arm\n"
        #expect(try fault(trace).fault.contains("no device is named"))
    }

    // MARK: - Anything at all

    @Test("whatever stands in the files, it is judged or refused", arguments: 0..<4)
    func mutated(stream: UInt64) {
        var chance = Chance(seed: 11, stream: stream)
        func below(_ bound: Int) -> Int { Int(chance.next() % UInt64(bound)) }
        let signs = Array("0123456789,,\n\n\"\".-+eE x\r\0é".utf8)
        for _ in 0..<500 {
            var trace = SampleTrace(canaryFailures: 5, ticks: 2)
            var bytes = Array((below(2) == 0 ? trace.devices : trace.observations).utf8)
            let isDevices = bytes == Array(trace.devices.utf8)
            for _ in 0...below(4) {
                let place = below(bytes.count)
                switch below(4) {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(signs[below(signs.count)], at: place)
                case 2: bytes[place] = UInt8(below(256))
                default: bytes.removeSubrange(place..<min(bytes.count, place + below(40)))
                }
                if bytes.isEmpty { bytes = [0x0A] }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            if isDevices { trace.devices = text } else { trace.observations = text }
            trace.policy.tickSeconds = 3_000
            do throws(TraceFault) {
                _ = try trace.judged()
            } catch {
                #expect(!error.fault.isEmpty)
            }
        }
    }
}

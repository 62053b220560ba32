import DeviceUpdates
import Fleet
import Foundation
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// Every state of the agent with every fault; the table is the result.
///
/// `EDGEORCH_FAULTS_JSON` names a file for all cases, one by one.
@Suite struct FaultMatrixTests {
    private struct Group: Hashable {
        var track: String
        var state: String
        var fault: String
        var result: FaultResult
    }

    private struct Line: Encodable {
        var track: String
        var state: String
        var fault: String
        var log: [String]
        var end: String
        var outcome: String
        var reason: String
        var serves: String
        var holds: Bool
    }

    @Test("in every state, every fault leads where the state machine says")
    func matrix() throws {
        let matrix = try FaultMatrix()
        var groups: [Group: Int] = [:]
        var order: [Group] = []
        var lines: [Line] = []
        for one in matrix.cases {
            let (wanted, found) = (one.prediction, try one.run())
            let name = "\(one.bench.track.rawValue), \(one.state): \(one.fault)"
            if wanted != found { Issue.record("\(name): it came to \(found), expected was \(wanted)") }
            let group = Group(track: one.bench.track.rawValue, state: one.state, fault: one.fault, result: found)
            if groups[group] == nil { order.append(group) }
            groups[group, default: 0] += 1
            lines.append(
                Line(
                    track: group.track, state: one.state, fault: one.fault, log: found.log, end: found.end,
                    outcome: found.outcome, reason: found.reason, serves: found.serves, holds: wanted == found))
        }
        printTable(order, groups)
        let failed = lines.count { !$0.holds }
        print("agent faults: \(lines.count) cases, \(failed) not as the state machine says")
        #expect(lines.count >= 300)
        let states = Set(matrix.cases.map(\.state))
        #expect(states.count == 11, "every state is met: \(states.sorted())")
        if let path = ProcessInfo.processInfo.environment["EDGEORCH_FAULTS_JSON"] {
            try JSONEncoder().encode(lines).write(to: URL(fileURLWithPath: path))
        }
    }

    private func printTable(_ order: [Group], _ groups: [Group: Int]) {
        var rows = [["update", "state", "fault", "cases", "journal says, in turn", "outcome", "reason", "serves"]]
        for group in order {
            let result = group.result
            rows.append([
                group.track, group.state, group.fault, "\(groups[group] ?? 0)", result.log.joined(separator: " "),
                result.outcome, result.reason, result.serves,
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            print("| " + cells.joined(separator: " | ") + " |")
        }
    }
}

import ArgumentParser
import Foundation

/// A controller's use cases on a database of either kind, under a fleet in the same process, one order after another.
///
/// `scripts/bench database` drives it and asks the database itself what it was asked meanwhile.
@main
struct EdgeLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edge-load", abstract: "Puts a fleet's load on a controller's database, order by order.",
        discussion: """
            It makes a fleet in an empty database with a rollout under way, says so, and then carries out the orders \
            of its input, a line each; every answer is one line of JSON:

              beat DEVICES [TIMES]   so many devices send a heartbeat with new counts, so often
              tick                   the tick ends: what was heard is judged and committed
            """,
        version: "0.1.0")

    @Option(help: "Devices of the fleet.") var devices = 1000
    @Option(help: "A SQLite file that does not exist yet, or the address of an empty PostgreSQL database.")
    var database: String

    func validate() throws {
        guard devices >= 20 else { throw ValidationError("--devices must be at least 20: a rollout compares devices.") }
    }

    func run() throws {
        let fleet = try LoadedFleet(devices: devices, database: database)
        try Self.say(["devices": Double(devices)])
        while let line = readLine() {
            let words = line.split(separator: " ").map(String.init)
            switch (words.first, words.dropFirst().map { Int($0) }) {
            case ("beat", let numbers) where (1...2).contains(numbers.count):
                guard let count = numbers[0], (0...devices).contains(count),
                    let times = numbers.count > 1 ? numbers[1] : 1
                else { throw ValidationError("\(line): there are \(devices) devices") }
                let began = ContinuousClock.now
                try fleet.beat(devices: count, times: times)
                try Self.say(["heartbeats": Double(count * times), "seconds": Self.seconds(since: began)])
            case ("tick", []):
                let began = ContinuousClock.now
                let commit = try fleet.tick()
                try Self.say(["seconds": Self.seconds(since: began), "commitSeconds": commit])
            default:
                throw ValidationError("\(line): the orders are 'beat DEVICES [TIMES]' and 'tick'")
            }
        }
    }

    private static func seconds(since began: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - began) / .seconds(1)
    }

    private static func say(_ facts: [String: Double]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        try FileHandle.standardOutput.write(contentsOf: try encoder.encode(facts) + Data("\n".utf8))
    }
}

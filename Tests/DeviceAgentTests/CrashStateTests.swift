import DeviceUpdates
import Fleet
import Foundation
import Testing
import WireFormat

@testable import DeviceAgent
@testable import SimulatedWorld

/// Every disk that a power cut may leave of an update: recovery on each, all invariants.
///
/// `EDGEORCH_CRASH_STATES` says how many distinct disks to try at least, `EDGEORCH_SEED` how to draw those that are
/// not enumerated.
@Suite(.serialized) struct CrashStateTests {
    private static let environment = ProcessInfo.processInfo.environment
    static let wanted = environment["EDGEORCH_CRASH_STATES"].flatMap { Int($0) } ?? 2000
    static let seed = environment["EDGEORCH_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999)
    static let fileCounts = [0, 2, 4, 6, 8]
    static let isThorough = environment["EDGEORCH_CRASH_STATES"] != nil

    @Test("each story ends as it should when nothing disturbs it", arguments: CrashStory.allCases)
    func undisturbed(story: CrashStory) throws {
        let scene = try CrashScene(story)
        #expect(scene.outcomes.last == story.outcome)
        #expect(scene.current != nil)
    }

    @Test("whatever a power cut leaves of the disk, recovery breaks no invariant")
    func enumeration() async throws {
        let started = Date()
        let limit = Self.isThorough ? 512 : 4
        let scenes = CrashStory.allCases.flatMap { story in Self.fileCounts.map { (story, $0) } }
        let operations = try scenes.map { try CrashExplorer($0.0, files: $0.1, limit: 1, seed: 1).operations }
        let all = operations.reduce(0, +)
        let rows = try await withThrowingTaskGroup(of: Row.self) { group in
            for ((story, files), own) in zip(scenes, operations) {
                group.addTask {
                    try Self.explore(story, files: files, states: Self.wanted * own * 21 / (all * 20), limit: limit)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        print("crash states: seed \(Self.seed), at most \(limit) a moment are enumerated, others drawn")
        print(
            "| story | more files | operations | whole moments | drawn moments | states | after a second cut "
                + "| longest recovery |"
        )
        for row in rows.sorted(by: { ($0.cells[0], $0.cells[1]) < ($1.cells[0], $1.cells[1]) }) {
            print("| " + row.cells.joined(separator: " | ") + " |")
            for violation in row.violations { Issue.record("seed \(Self.seed): \(violation)") }
        }
        let states = rows.reduce(0) { $0 + $1.states }
        let violations = rows.reduce(0) { $0 + $1.violations.count }
        print(
            "crash states: \(states) distinct, \(violations) violations, seed \(Self.seed),"
                + " \(Int(Date().timeIntervalSince(started))) s")
        #expect(states >= Self.wanted)
    }

    private struct Row: Sendable {
        var cells: [String]
        var states: Int
        var violations: [String]
    }

    private static func explore(_ story: CrashStory, files: Int, states: Int, limit: Int) throws -> Row {
        var chance = SeededChance(seed: seed, stream: 77)
        let explorer = try CrashExplorer(story, files: files, limit: limit, seed: seed)
        try explorer.cutOnce()
        let (complete, drawn) = (explorer.space.complete, explorer.space.drawn)
        try explorer.cutTwice(states: states - explorer.states, chance: &chance)
        return Row(
            cells: [
                story.rawValue, "\(files)", "\(explorer.operations)", "\(complete)", "\(drawn)", "\(explorer.states)",
                "\(explorer.secondStates)", "\(explorer.longest) transitions",
            ], states: explorer.states, violations: explorer.violations)
    }

    /// What a forgotten sync leads to, by the states in which it is forgotten.
    private struct Finding: Sendable {
        var site: SyncSite
        var states: Int
        var violation: String?
    }

    /// Syncs that may be forgotten, and why.
    static let redundant = [
        "sync counters.json.new, after write": "counts are no part of an update; a torn book starts anew, and says so",
        "sync the directory ., after rename": "the same",
        "sync models/digits/versions/*/.sealed, after write": "a seal says by its name alone that it is there",
        "sync quarantine/*.json.new, after write": "an entry that cannot be read shuts out as well",
        "sync the directory ., after make the directory": "every start makes the directories again",
        "sync the directory store, after make the directory": "a file that is lost with it is fetched again",
        "sync the directory store/sha256, after make the directory": "the same",
        "sync the directory store/sha256/*, after rename": "the same; a version has links of its own",
        "sync the directory staging, after sync the directory":
            "a name that comes back is removed with the next report",
        "sync the directory models/digits/versions/*, after remove": "a report that is done again removes the rest",
        "sync the directory models/digits/versions, after remove": "a directory that comes back has no seal",
        "sync the directory models/digits/versions, after sync the directory": "the same",
        "sync the directory models/digits/versions/*, after link": "the sync before the seal makes up for it",
        "sync the directory models/digits/versions/*, after make the directory": "the same",
        "sync the directory quarantine, after remove":
            "an entry that comes back shuts out nothing that is ordered on purpose",
    ]

    @Test("a forgotten sync is found, unless another one makes up for it")
    func forgottenSyncs() async throws {
        var sites: Set<SyncSite> = []
        for story in CrashStory.allCases { sites.formUnion(try CrashExplorer(story, limit: 1, seed: 1).sites.keys) }
        let findings = try await withThrowingTaskGroup(of: Finding.self) { group in
            for site in sites where Self.isThorough || site.description.hasPrefix("sync journal") {
                group.addTask { try Self.forget(site) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        print("| forgotten sync | states | found |")
        for finding in findings.sorted(by: { $0.site < $1.site }) {
            let found = finding.violation ?? "no: \(Self.redundant[finding.site.description] ?? "why?")"
            print("| \(finding.site) | \(finding.states) | \(found) |")
        }
        let missed = Set(findings.filter { $0.violation == nil }.map(\.site.description))
        let expected = Set(Self.redundant.keys).intersection(findings.map(\.site.description))
        print("\(findings.count - missed.count) forgotten syncs found, \(missed.count) redundant, seed \(Self.seed)")
        #expect(missed == expected)
    }

    private static func forget(_ site: SyncSite) throws -> Finding {
        var finding = Finding(site: site, states: 0)
        for story in CrashStory.allCases {
            let explorer = try CrashExplorer(story, limit: 5, seed: seed, ignoring: site)
            guard explorer.sites[site] != nil else { continue }
            try explorer.cutOnce(stop: { !explorer.violations.isEmpty })
            finding.states += explorer.states
            finding.violation = explorer.violations.first
            if finding.violation != nil { break }
        }
        return finding
    }
}

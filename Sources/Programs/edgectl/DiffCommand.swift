import ArgumentParser
import EdgeOrchestrator
import Rollouts
import Terminal

/// `edgectl diff`.
struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Shows what applying files would change; the controller is left as it is.",
        discussion: "Exit codes: 0 no difference, 1 a difference, 2 an error.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var files: ManifestOption

    func run() throws {
        var differs = false
        do {
            let controller = try server.connect()
            for manifest in Manifest.inOrder(try files.manifests()) {
                let before = try Self.existing(manifest, controller).map(Rendering.yaml) ?? ""
                let lines = LineDiff.lines(from: before, to: try Rendering.yaml(manifest))
                guard !lines.isEmpty else { continue }
                differs = true
                Console.output.print(StyledText("\(manifest.title)\(before.isEmpty ? " (new)" : "")", .strong))
                for line in lines { Console.output.print(line.styled) }
            }
        } catch {
            // Every failure is 2 here, so that 1 always means a difference.
            _ = ExitReport(error).tell()
            throw QuietExit(status: .invalid)
        }
        if differs { throw QuietExit(status: .failure) }
    }

    /// The same declaration as the controller keeps it; nil where it has none.
    private static func existing(_ manifest: Manifest, _ controller: Orchestrator) throws -> Manifest? {
        try ifKnown { () throws(OrchestratorError) in
            switch manifest {
            case .policy(let policy): .policy(try controller.policy(policy.name))
            case .deployment(let deployment): .deployment(try controller.deployment(deployment.name))
            }
        }
    }
}

/// The lines in which two texts differ.
enum LineDiff {
    /// One line of a difference.
    enum Line: Hashable {
        case kept(String)
        case removed(String)
        case added(String)

        /// The line behind its sign.
        var styled: StyledText {
            switch self {
            case .kept(let text): StyledText("  \(text)", .faint)
            case .removed(let text): StyledText("- \(text)", .bad)
            case .added(let text): StyledText("+ \(text)", .good)
            }
        }
    }

    /// Every line of both texts in order, removed before added; empty where the texts are the same.
    static func lines(from old: String, to new: String) -> [Line] {
        let before = old.split(separator: "\n").map(String.init)
        let after = new.split(separator: "\n").map(String.init)
        let difference = after.difference(from: before)
        guard !difference.isEmpty else { return [] }
        let removed = Set(difference.removals.map(\.offset))
        let added = Set(difference.insertions.map(\.offset))
        var lines: [Line] = []
        var place = (old: 0, new: 0)
        while place.old < before.count || place.new < after.count {
            if removed.contains(place.old), place.old < before.count {
                lines.append(.removed(before[place.old]))
                place.old += 1
            } else if added.contains(place.new), place.new < after.count {
                lines.append(.added(after[place.new]))
                place.new += 1
            } else {
                lines.append(.kept(after[place.new]))
                place.old += 1
                place.new += 1
            }
        }
        return lines
    }
}

extension CollectionDifference.Change {
    fileprivate var offset: Int {
        switch self {
        case .insert(let offset, _, _), .remove(let offset, _, _): offset
        }
    }
}

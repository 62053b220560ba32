import ArgumentParser
import Cryptography
import EdgeOrchestrator
import Fleet
import FoundationEssentials
import ModelTrust
import Terminal
import WireFormat

/// `edgectl model`.
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Signs, publishes and shows versions of models.",
        subcommands: [ModelPush.self, ModelList.self, ModelShow.self, ModelSign.self, ModelVerify.self])
}

/// `edgectl model list`.
struct ModelList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the models.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let models = try server.connect().models()
        var table = Table([.init("MODEL"), .init("VERSIONS", .right), .init("NEWEST")])
        for model in models {
            table.add([
                StyledText("\(model.name)"), StyledText("\(model.versions)"), StyledText(model.latest?.rawValue ?? "-"),
            ])
        }
        try output.printTable(models, table, ifEmpty: "no models; `edgectl model push` publishes a version")
    }
}

/// `edgectl model show`.
struct ModelShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows the versions of a model, or one of them whole.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The model.", transform: { try ModelName($0) }) var model: ModelName
    @Argument(help: "The version.", transform: { try VersionName($0) }) var version: VersionName?

    func run() throws {
        let controller = try server.connect()
        if let version {
            let found = try controller.version(version, of: model)
            try output.print(found) { Self.lines(found, now: Console.now) }
            return
        }
        let versions = try controller.versions(of: model)
        try output.printTable(
            versions, Self.table(versions, wide: output.isWide, now: Console.now), ifEmpty: "no versions")
    }

    /// The versions of a model, one a line.
    static func table(_ versions: [VersionResource], wide: Bool, now: Timestamp) -> Table {
        var table = Table([
            .init("VERSION"), .init("DIGEST"), .init("COUNTER", .right), .init("FILES", .right), .init("SIZE", .right),
            .init("BY"), .init("AGE"),
        ])
        for version in versions {
            table.add([
                StyledText("\(version.version)"), StyledText(wide ? version.digest.hex : version.digest.short),
                StyledText("\(version.releaseCounter)"), StyledText("\(version.files.count)"),
                version.artifactsRemovedAt == nil
                    ? StyledText(Quantity.bytes(version.sizeBytes)) : StyledText("removed", .notice),
                StyledText(version.createdBy),
                Rendering.time(version.createdAt, wide: wide, now: now),
            ])
        }
        return table
    }

    /// One version whole.
    static func lines(_ version: VersionResource, now: Timestamp) -> [StyledText] {
        var lines: [StyledText] = [
            StyledText("\(version.model) \(version.version)", .strong),
            "  digest      \(version.digest)",
            "  counter     \(version.releaseCounter)",
            "  publisher   \(version.publisher ?? "unknown to the controller")",
            "  registered  \(version.createdAt) by \(version.createdBy) ("
                + "\(Rendering.age(version.createdAt, now: now)) ago)",
            "  size        \(Quantity.bytes(version.sizeBytes)) in \(version.files.count) file(s)",
        ]
        if let removed = version.artifactsRemovedAt {
            lines.append(
                StyledText(
                    "  artifacts   removed at \(removed), kept no longer: push the version again before you deploy it",
                    .notice))
        }
        for file in version.files {
            lines.append("    \(file.digest.short)  \(Quantity.bytes(file.sizeBytes))  \(file.path)")
        }
        for (key, value) in version.metadata.sorted(by: { $0.key < $1.key }) { lines.append("  \(key)=\(value)") }
        return lines
    }
}

extension VersionResource {
    /// The size of all files together, bytes.
    fileprivate var sizeBytes: UInt64 { files.reduce(0) { $0 &+ $1.sizeBytes } }
}

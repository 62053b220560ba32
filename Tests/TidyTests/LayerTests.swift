import Testing

/// The table of layers in `ARCHITECTURE.md`, held against the folders, the manifest and the sources' imports.
@Suite struct LayerTests {
    private static let table = ArchitectureTable(SourceTree.architecture.text)
    private static let manifest = PackageManifest(SourceTree.package)
    private static let layers = ["Core", "CLibraries", "Service", "Adapters", "SDK", "Programs"]

    private static var sourceTargets: [PackageManifest.Target] { manifest.targets.filter { $0.layer != "Tests" } }

    @Test("the table names exactly the targets that exist, in the manifest and as folders")
    func targets() {
        #expect(Self.table.rows.map(\.layer) == Self.layers)
        #expect(SourceTree.names(in: "Sources") == Self.layers.sorted())
        for row in Self.table.rows {
            let declared = Self.sourceTargets.filter { $0.layer == row.layer }.map(\.name)
            #expect(row.targets == declared, "\(row.layer): the order is the manifest's")
            #expect(row.targets.sorted() == SourceTree.names(in: "Sources/" + row.layer))
        }
    }

    @Test("every folder of tests is a target, and every target of tests has its folder")
    func testTargets() {
        let declared = Self.manifest.targets.filter { $0.layer == "Tests" }.map(\.name)
        let folders = SourceTree.names(in: "Tests")
        #expect(Set(declared).subtracting(folders) == [])
        #expect(Set(folders).subtracting(declared) == [])
    }

    @Test("targets depend only on what their layer may import", arguments: layers)
    func dependencies(layer: String) {
        for target in Self.sourceTargets where target.layer == layer {
            let forbidden = target.dependencies.filter { !Self.table.allows(layer, toImport: $0) }
            #expect(forbidden.sorted() == [], "\(target.name)")
        }
    }

    @Test("sources import only what their layer may import", arguments: layers)
    func imports(layer: String) {
        let forbidden = SourceTree.sources.filter { $0.layer == layer }.flatMap { file in
            file.imports.filter { !Self.table.allows(layer, toImport: $0) }.map { "\(file.path): \($0)" }
        }
        #expect(forbidden == [])
    }

    @Test("a target's dependencies are exactly what its sources import", arguments: layers)
    func exactDependencies(layer: String) {
        for target in Self.sourceTargets where target.layer == layer && layer != "CLibraries" {
            let files = SourceTree.sources.filter { $0.layer == layer && $0.target == target.name }
            #expect(Self.packageModules(files) == target.dependencies, "\(target.name)")
        }
    }

    @Test("tests import only what their target depends on")
    func testImports() {
        for target in Self.manifest.targets where target.layer == "Tests" {
            let files = SourceTree.tests.filter { $0.path.hasPrefix("Tests/\(target.name)/") }
            let own = Set([String(target.name.dropLast("Tests".count))])
            let missing = Self.packageModules(files).subtracting(target.dependencies).subtracting(own)
            #expect(missing.sorted() == [], "\(target.name)")
        }
    }

    /// The imported modules that are targets of this package or come from other packages.
    private static func packageModules(_ files: [SourceFile]) -> Set<String> {
        let known = Set(sourceTargets.map(\.name)).union(manifest.foreignModules)
        return Set(files.flatMap(\.imports)).intersection(known)
    }

    @Test("a C library is a module map and a shim, nothing else")
    func cLibraries() throws {
        let row = try #require(Self.table.rows.first { $0.layer == "CLibraries" })
        for target in row.targets {
            #expect(SourceTree.names(in: "Sources/CLibraries/" + target) == ["module.modulemap", "shim.h"])
        }
    }

    @Test("the files that the architecture names exist")
    func namedFiles() {
        let named = SourceTree.architecture.text.split(separator: "`").filter { piece in
            ["Sources/", "Tests/", "docs/"].contains { piece.hasPrefix($0) } && !piece.contains(" ")
        }
        #expect(named.count > 5)
        #expect(named.filter { !SourceTree.exists(String($0)) } == [])
    }

    // MARK: - Seen to fail

    private static let sample = ArchitectureTable(
        """
        | folder | targets | may import | and from elsewhere |
        |---|---|---|---|
        | `Sources/Core`: values | Fleet, Rollouts | Core | RealModule |
        | `Sources/CLibraries`: shims | CCurl | nothing | nothing |
        | `Sources/Service`: use cases | Orchestration, DeviceAgent | Core, Orchestration | Foundation |
        | `Sources/Programs`: wiring | edgectl | all | Yams |
        """)

    @Test(
        "the table is read as it is meant",
        arguments: [
            ("Core", "Rollouts", true), ("Core", "RealModule", true), ("Core", "Foundation", false),
            ("Core", "Orchestration", false), ("CLibraries", "Fleet", false), ("Service", "Fleet", true),
            ("Service", "Orchestration", true), ("Service", "DeviceAgent", false), ("Service", "CCurl", false),
            ("Programs", "CCurl", true), ("Programs", "Foundation", false), ("Elsewhere", "Fleet", false),
        ])
    func table(layer: String, module: String, isAllowed: Bool) {
        #expect(Self.sample.allows(layer, toImport: module) == isAllowed)
    }

    @Test("imports are read from every form of the line, and not from comments")
    func importLines() {
        let file = SourceFile(
            path: "Sources/Core/Fleet/A.swift",
            text: """
                import Foundation
                public import Rollouts
                @testable import OrchestratorAPI
                internal import struct Fleet.Name
                // import Yams
                let text = "import GRDB"
                """)
        #expect(file.imports == ["Foundation", "Rollouts", "OrchestratorAPI", "struct"])
    }

    @Test("a manifest is read as it is meant")
    func manifestText() {
        let text = """
            func layer(_ a: String, _ b: String, _ c: [Target.Dependency] = []) -> Target { .target(name: b) }
            let real: Target.Dependency = .product(name: "RealModule", package: "swift-numerics")
            let core: [Target] = [layer("Core", "Fleet"), layer("Core", "Rollouts", ["Fleet", real])]
            let c: [Target] = [cLibrary("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev")]
            let service: [Target] = [layer("Service", "API", ["Fleet"], resources: [.embedInCode("a.yaml")])]
            let t: [Target] = [tests("Fleet", ["Rollouts"]), .testTarget(name: "TidyTests", path: "Tests/TidyTests")]
            let s = Target.target(name: "World", dependencies: ["Fleet", real], path: "Tests/World")
            """
        let manifest = PackageManifest(SourceFile(path: "Package.swift", text: text))
        #expect(
            manifest.targets == [
                .init(name: "Fleet", layer: "Core", dependencies: []),
                .init(name: "Rollouts", layer: "Core", dependencies: ["Fleet", "RealModule"]),
                .init(name: "CCurl", layer: "CLibraries", dependencies: []),
                .init(name: "API", layer: "Service", dependencies: ["Fleet"]),
                .init(name: "FleetTests", layer: "Tests", dependencies: ["Fleet", "Rollouts"]),
                .init(name: "TidyTests", layer: "Tests", dependencies: []),
                .init(name: "World", layer: "Tests", dependencies: ["Fleet", "RealModule"]),
            ])
        #expect(manifest.foreignModules == ["RealModule"])
    }
}

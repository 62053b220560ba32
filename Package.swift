// swift-tools-version: 6.2
import PackageDescription

/// The settings every target is built with: language mode 6 comes with the tools version.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A target in its layer's folder: `Sources/<layer>/<name>`.
func layer(
    _ folder: String, _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(folder)/\(name)", resources: resources,
        swiftSettings: strict)
}

/// One C library: a module map and a shim, nothing else.
func cLibrary(_ name: String, pkgConfig: String? = nil, apt package: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/CLibraries/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

/// A program: wiring only.
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Sources/Programs/\(name)", swiftSettings: strict)
}

/// The tests of one target.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies, path: "Tests/\(name)Tests",
        swiftSettings: strict)
}

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let real: Target.Dependency = .product(name: "RealModule", package: "swift-numerics")

let core: [Target] = [
    layer("Core", "Fleet"),
    layer("Core", "WireFormat", ["Fleet", "Rollouts", "CanaryAnalysis"]),
    layer("Core", "WebMessages"),
    layer("Core", "CanaryAnalysis", [real]),
    layer("Core", "Rollouts", ["Fleet", "CanaryAnalysis"]),
    layer("Core", "RecordedFleets", ["CanaryAnalysis"]),
    layer("Core", "ModelTrust", ["Fleet"]),
    layer("Core", "AuditTrail", ["Fleet", "ModelTrust", "WireFormat"]),
    layer("Core", "DeviceUpdates", ["Fleet"]),
    layer("Core", "PrometheusExposition"),
]

let service: [Target] = [
    layer(
        "Service", "Orchestration",
        ["Fleet", "WireFormat", "Rollouts", "CanaryAnalysis", "PrometheusExposition", "ModelTrust", "AuditTrail"]),
    layer(
        "Service", "OrchestratorAPI",
        ["Fleet", "WireFormat", "WebMessages", "Orchestration", "ModelTrust", "Rollouts"],
        resources: [.embedInCode("openapi.yaml")]),
    layer("Service", "FleetSimulation", ["CanaryAnalysis", "RecordedFleets", real]),
    layer("Service", "RivalJudges", ["CanaryAnalysis", "RecordedFleets", real]),
    layer(
        "Service", "JudgeBenchmark",
        ["CanaryAnalysis", "Fleet", "Rollouts", "RecordedFleets", "FleetSimulation", "RivalJudges"]),
    layer("Service", "WebPages", ["CanaryAnalysis", "Fleet", "Rollouts"]),
    layer("Service", "DeviceAgent", ["Fleet", "WireFormat", "DeviceUpdates", "ModelTrust", "PrometheusExposition"]),
]

let adapters: [Target] = [
    layer("Adapters", "MicroHTTPServer", ["WebMessages", "CMicroHTTPD", "CGnuTLS", "CZlib", "CLinux"]),
    layer("Adapters", "CurlClient", ["CCurl"]),
    layer("Adapters", "Cryptography", ["Fleet", "ModelTrust", "COpenSSL"]),
    layer("Adapters", "HardwareKeys", ["Cryptography", "CGnuTLS"]),
    layer("Adapters", "PostgreSQLClient", ["CPostgreSQL"]),
    layer(
        "Adapters", "SQLStore",
        [
            "Fleet", "WireFormat", "CanaryAnalysis", "Rollouts", "Orchestration", "AuditTrail", "ModelTrust",
            "Cryptography",
            "PostgreSQLClient", grdb,
        ]),
    layer("Adapters", "ArtifactStorage", ["Fleet", "WireFormat", "Rollouts", "Orchestration", "Cryptography"]),
    layer("Adapters", "BackupFiles", ["Fleet", "Cryptography"]),
    layer("Adapters", "DeviceFiles", ["Fleet", "DeviceAgent", "Cryptography", "CLinux"]),
    layer("Adapters", "ChildProcesses", ["DeviceAgent", "CLinux"]),
    layer("Adapters", "Terminal"),
    layer("Adapters", "YAMLText", ["CYAML"]),
    layer("Adapters", "TraceFiles", ["CanaryAnalysis", "RecordedFleets"]),
]

let cLibraries: [Target] = [
    cLibrary("CMicroHTTPD", pkgConfig: "libmicrohttpd", apt: "libmicrohttpd-dev"),
    cLibrary("CGnuTLS", pkgConfig: "gnutls", apt: "libgnutls28-dev"),
    cLibrary("COpenSSL", pkgConfig: "libcrypto", apt: "libssl-dev"),
    cLibrary("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
    cLibrary("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    cLibrary("CPostgreSQL", pkgConfig: "libpq", apt: "libpq-dev"),
    cLibrary("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
    cLibrary("CLinux", apt: "libc6-dev"),
]

let sdk: [Target] = [
    layer(
        "SDK", "EdgeOrchestrator",
        ["Fleet", "WireFormat", "Rollouts", "ModelTrust", "PrometheusExposition", "Cryptography", "CurlClient"])
]

let programs: [Target] = [
    program(
        "edge-controller",
        [
            "Fleet", "WireFormat", "WebMessages", "Rollouts", "PrometheusExposition", "Orchestration",
            "OrchestratorAPI", "MicroHTTPServer", "SQLStore", "PostgreSQLClient", "ArtifactStorage", "BackupFiles",
            "Cryptography",
            "ModelTrust", "CurlClient", "Terminal", argumentParser,
        ]),
    program(
        "edge-agent",
        [
            "Fleet", "WireFormat", "DeviceUpdates", "DeviceAgent", "DeviceFiles", "ChildProcesses", "CurlClient",
            "Cryptography", "ModelTrust", "PrometheusExposition", "EdgeOrchestrator", "YAMLText", argumentParser,
            logging,
        ]),
    program(
        "edgectl",
        [
            "Fleet", "WireFormat", "CanaryAnalysis", "Rollouts", "ModelTrust", "Cryptography", "HardwareKeys",
            "AuditTrail", "CurlClient", "Terminal", "EdgeOrchestrator", "RecordedFleets", "TraceFiles", "WebPages",
            argumentParser, yams,
        ]),
    program("edge-fleet", ["CanaryAnalysis", "FleetSimulation", "JudgeBenchmark", "Terminal", argumentParser]),
    program(
        "edge-load",
        [
            "CanaryAnalysis", "Fleet", "WireFormat", "WebMessages", "PrometheusExposition", "Rollouts", "Orchestration",
            "OrchestratorAPI", "SQLStore", "PostgreSQLClient", "Cryptography", "ModelTrust", argumentParser,
        ]),
]

/// What several test targets simulate with: a disk, a store, a runtime, devices and a whole fleet in memory.
let simulatedWorld: Target = .testTarget(
    name: "SimulatedWorld",
    dependencies: [
        "Fleet", "WireFormat", "Rollouts", "CanaryAnalysis", "ModelTrust", "PrometheusExposition", "Orchestration",
        "DeviceAgent", "Cryptography",
    ], path: "Tests/SimulatedWorld", swiftSettings: strict)

let testTargets: [Target] = [
    tests("Fleet"),
    tests("CanaryAnalysis", ["FleetSimulation", real]),
    tests("Rollouts", ["Fleet", "CanaryAnalysis"]),
    tests("RecordedFleets", ["CanaryAnalysis", "FleetSimulation"]),
    tests("ModelTrust", ["Fleet"]),
    tests("AuditTrail", ["Cryptography", "Fleet", "ModelTrust", "SimulatedWorld", "WireFormat"]),
    tests("DeviceUpdates", ["Fleet"]),
    tests("PrometheusExposition"),
    tests("MicroHTTPServer", ["WebMessages", "CurlClient", "Cryptography", "Fleet"]),
    tests("Cryptography", ["ModelTrust", "Fleet"]),
    tests("HardwareKeys", ["Cryptography", "ModelTrust", "Fleet"]),
    tests(
        "OrchestratorAPI",
        ["CanaryAnalysis", "Fleet", "ModelTrust", "Orchestration", "Rollouts", "WebMessages", "WireFormat"]),
    tests("WireFormat", ["CanaryAnalysis", "Fleet", "Rollouts"]),
    tests("FleetSimulation", ["CanaryAnalysis", "RecordedFleets", real]),
    tests("RivalJudges", ["CanaryAnalysis", "RecordedFleets", real]),
    tests("JudgeBenchmark", ["CanaryAnalysis", "RivalJudges"]),
    tests("Terminal"),
    tests("YAMLText", [yams]),
    tests("TraceFiles", ["CanaryAnalysis", "FleetSimulation", "RecordedFleets"]),
    tests("WebPages", ["CanaryAnalysis", "Fleet", "Rollouts"]),
    tests("EdgeOrchestrator", ["CurlClient", "Fleet", "MicroHTTPServer", "Rollouts", "WebMessages", "WireFormat"]),
    .testTarget(
        name: "EdgectlTests",
        dependencies: [
            "edgectl", "CanaryAnalysis", "Cryptography", "EdgeOrchestrator", "Fleet", "HardwareKeys", "ModelTrust",
            "RecordedFleets", "Rollouts", "Terminal", "TraceFiles", "WireFormat", argumentParser,
        ], path: "Tests/EdgectlTests", swiftSettings: strict),
    .testTarget(
        name: "EdgeFleetTests", dependencies: ["edge-fleet"], path: "Tests/EdgeFleetTests", swiftSettings: strict),
    .testTarget(name: "TidyTests", path: "Tests/TidyTests", swiftSettings: strict),
    simulatedWorld,
    tests(
        "Orchestration",
        [
            "Fleet", "WireFormat", "Rollouts", "CanaryAnalysis", "PrometheusExposition", "DeviceAgent",
            "SimulatedWorld", "AuditTrail", "Cryptography", "ModelTrust", "OrchestratorAPI", "WebMessages",
        ]),
    tests(
        "DeviceAgent",
        [
            "Fleet", "WireFormat", "DeviceUpdates", "ModelTrust", "PrometheusExposition", "Cryptography",
            "SimulatedWorld",
        ]),
    tests("DeviceFiles", ["Cryptography", "DeviceAgent", "Fleet", "ModelTrust", "SimulatedWorld"]),
    tests("ChildProcesses", ["DeviceAgent", "Fleet", "WireFormat", "SimulatedWorld"]),
    tests("BackupFiles", ["Cryptography", "Fleet"]),
    tests("ArtifactStorage", ["Fleet", "WireFormat", "Rollouts", "Orchestration", "Cryptography"]),
    tests(
        "SQLStore",
        [
            "Fleet", "WireFormat", "Rollouts", "CanaryAnalysis", "Orchestration", "SimulatedWorld", "AuditTrail",
            "BackupFiles", "Cryptography", "ModelTrust", "PostgreSQLClient", "PrometheusExposition", grdb,
        ]),
]

let package = Package(
    name: "edge-orchestrator",
    products: [
        .library(name: "EdgeOrchestrator", targets: ["EdgeOrchestrator"]),
        .executable(name: "edge-controller", targets: ["edge-controller"]),
        .executable(name: "edge-agent", targets: ["edge-agent"]),
        .executable(name: "edgectl", targets: ["edgectl"]),
        .executable(name: "edge-fleet", targets: ["edge-fleet"]),
        .executable(name: "edge-load", targets: ["edge-load"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-numerics", exact: "1.1.1"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: core + service + adapters + cLibraries + sdk + programs + testTargets
)

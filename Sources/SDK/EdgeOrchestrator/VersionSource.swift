internal import Cryptography
public import Fleet
public import ModelTrust

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What is to become a version: the person's file or directory, and what the manifest shall say.
public struct VersionSource: Sendable {
    /// The model.
    public var model: ModelName
    /// The version's name.
    public var version: VersionName
    /// A file, or a directory with everything the version holds.
    public var path: String
    /// The file the runtime loads, relative to the directory; nil for the only candidate.
    public var entry: String?
    /// Golden inputs and outputs: a file in the directory, or one to add to it.
    public var golden: String?
    /// How far an output may be from its golden one.
    public var tolerance = 0.000_1
    /// The longest answer to a golden input, milliseconds.
    public var latencyBudgetMs = 1000.0
    /// The most memory that the runtime may hold after the golden inputs, bytes; nil for any.
    public var memoryBudgetBytes: UInt64?
    /// What a device must be.
    public var compatibility = EdgeVersionManifest.Compatibility()
    /// Facts for people, such as the git commit.
    public var metadata: [String: String] = [:]

    /// Names a source; everything else has a default.
    public init(model: ModelName, version: VersionName, path: String) {
        self.model = model
        self.version = version
        self.path = path
    }

    private var isDirectory: Bool {
        get throws {
            let attributes: [FileAttributeKey: Any]
            do {
                attributes = try FileManager.default.attributesOfItem(atPath: path)
            } catch {
                throw VersionSourceError.invalid("cannot read \(path): \(SmallFile.reason(error)); check the path")
            }
            return attributes[.type] as? FileAttributeType == .typeDirectory
        }
    }

    /// Copies everything into an empty directory and writes the manifest there; the person's files stay as they are.
    ///
    /// - Throws: ``VersionSourceError`` above all, and what reading files throws.
    /// - Parameters:
    ///   - counter: the release counter for a new manifest.
    ///   - floor: the least release counter that devices may still run where this version is the last known good.
    public func stage(in directory: String, counter: UInt64, floor: UInt64 = 0) throws {
        if try isDirectory {
            try copyDirectory(to: directory)
        } else {
            try copy(path, to: "\(directory)/\(Self.name(of: path))")
        }
        try stageChunks(in: directory)
        let manifestPath = "\(directory)/\(ArtifactPath.manifest)"
        guard !FileManager.default.fileExists(atPath: manifestPath) else { return try checkOwn(manifestPath, floor) }
        let smokeTest = try stageGolden(in: directory)
        let manifest = EdgeVersionManifest(
            model: model, version: version, releaseCounter: counter, releaseFloor: floor,
            compatibility: compatibility, entry: try entryPath(in: directory, besides: smokeTest?.goldenInputs),
            smokeTest: smokeTest, metadata: metadata)
        try Data(manifest.serialized()).write(to: URL(filePath: manifestPath))
    }

    /// A directory that brings its own manifest: it must be for this version, and nothing else may be asked of it.
    private func checkOwn(_ path: String, _ floor: UInt64) throws {
        let bytes = try FileHashing.contents(ofFile: path, limitBytes: EdgeVersionManifest.limitBytes)
        let own = try EdgeVersionManifest(parsing: bytes)
        guard own.model == model, own.version == version else {
            throw VersionSourceError.invalid(
                "edge-version.json in \(self.path) is for \(own.model) \(own.version), not \(model) \(version); "
                    + "change it, or remove it and let this command write it")
        }
        guard entry == nil, golden == nil, metadata.isEmpty, floor == 0 else {
            throw VersionSourceError.invalid(
                "\(self.path) has its own edge-version.json; put entry, golden, metadata and floor there, or remove it")
        }
    }

    private func copyDirectory(to directory: String) throws {
        let files = FileManager.default
        for name in try files.subpathsOfDirectory(atPath: path).sorted() where name != ArtifactPath.signature.rawValue {
            let source = "\(path)/\(name)"
            switch try files.attributesOfItem(atPath: source)[.type] as? FileAttributeType {
            case .typeDirectory?:
                try files.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
            case .typeRegular?: try copy(source, to: "\(directory)/\(name)")
            default:
                throw VersionSourceError.invalid(
                    "\(source) is a symbolic link or a special file; a version holds regular files only, copy the file")
            }
        }
    }

    /// A second name for the same bytes where the file system allows, else a copy.
    private func copy(_ source: String, to target: String) throws {
        let files = FileManager.default
        do {
            // A link to a link would be signed as what it is not, so links are followed here and copied.
            let isLink = try files.attributesOfItem(atPath: source)[.type] as? FileAttributeType == .typeSymbolicLink
            let real = isLink ? URL(filePath: source).resolvingSymlinksInPath().path : source
            do {
                try files.linkItem(atPath: real, toPath: target)
            } catch {
                try files.copyItem(atPath: real, toPath: target)
            }
        } catch {
            throw VersionSourceError.failed(
                "cannot copy \(source): \(SmallFile.reason(error)); check the file and TMPDIR's space")
        }
    }

    /// Writes the digests of the pieces of files that have more than one; what the person's directory has of that name
    /// would be of another time.
    private func stageChunks(in directory: String) throws {
        let path = "\(directory)/\(ArtifactPath.chunks)"
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
        let sizes = try DirectoryListing.read(directory).files.map { file in
            (file.path, try FileHashing.size(ofFile: "\(directory)/\(file.path)"))
        }
        let chunkBytes = ChunkList.chunkBytes(forLargest: sizes.map(\.1).max() ?? 0)
        var digests: [ArtifactPath: [Digest]] = [:]
        for (file, sizeBytes) in sizes where sizeBytes > chunkBytes {
            digests[file] = try stride(from: 0, to: sizeBytes, by: Int(chunkBytes)).map { start in
                try FileHashing.sha256(
                    ofFile: "\(directory)/\(file)", in: start..<min(start + chunkBytes, sizeBytes))
            }
        }
        guard !digests.isEmpty else { return }
        try Data(ChunkList(chunkBytes: chunkBytes, digests: digests).serialized()).write(to: URL(filePath: path))
    }

    private func stageGolden(in directory: String) throws -> EdgeVersionManifest.SmokeTest? {
        guard let golden else { return nil }
        var name = golden
        if !FileManager.default.fileExists(atPath: "\(directory)/\(golden)") || golden.hasPrefix("/") {
            name = Self.name(of: golden)
            if !FileManager.default.fileExists(atPath: "\(directory)/\(name)") {
                try copy(golden, to: "\(directory)/\(name)")
            }
        }
        return EdgeVersionManifest.SmokeTest(
            goldenInputs: try ArtifactPath(name), tolerance: tolerance, latencyBudgetMs: latencyBudgetMs,
            memoryBudgetBytes: memoryBudgetBytes)
    }

    private func entryPath(in directory: String, besides golden: ArtifactPath?) throws -> ArtifactPath {
        if let entry {
            guard FileManager.default.fileExists(atPath: "\(directory)/\(entry)") else {
                throw VersionSourceError.invalid(
                    "--entry \(entry) is not a file of \(path); name it relative to that directory")
            }
            return try ArtifactPath(entry)
        }
        guard try isDirectory else { return try ArtifactPath(Self.name(of: path)) }
        let candidates = try DirectoryListing.read(directory).files.map(\.path).filter {
            $0 != golden && !$0.rawValue.hasSuffix(".json")
        }
        guard let only = candidates.first, candidates.count == 1 else {
            let names = candidates.prefix(5).map(\.rawValue).joined(separator: ", ")
            throw VersionSourceError.invalid(
                "\(path) has \(candidates.count) files the runtime could load\(names.isEmpty ? "" : " (\(names))"); "
                    + "say which with --entry FILE")
        }
        return only
    }

    private static func name(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}

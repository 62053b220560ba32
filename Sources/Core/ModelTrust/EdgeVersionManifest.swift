public import Fleet

/// What a version is, in its own signed words: the content of `edge-version.json`.
///
/// It lies among the signed files, so that no signed artifact can be served as another model or version.
public struct EdgeVersionManifest: Hashable, Sendable {
    /// The model.
    public var model: ModelName
    /// The version's name.
    public var version: VersionName
    /// Orders the model's versions for the device's floor; 0 to 2^53 - 1, larger is later.
    public var releaseCounter: UInt64
    /// Withdraws the model's versions with a smaller release counter, on devices where this version has become the last
    /// known good; 0 withdraws none.
    public var releaseFloor: UInt64
    /// What a device must be to run the version.
    public var compatibility: Compatibility
    /// The file that the runtime loads.
    public var entry: ArtifactPath
    /// How a device tries the version before it serves; nil for no smoke test.
    public var smokeTest: SmokeTest?
    /// Free facts for people: git commit, training run, data set.
    public var metadata: [String: String]

    /// Makes a manifest.
    public init(
        model: ModelName, version: VersionName, releaseCounter: UInt64, releaseFloor: UInt64 = 0,
        compatibility: Compatibility = Compatibility(), entry: ArtifactPath, smokeTest: SmokeTest? = nil,
        metadata: [String: String] = [:]
    ) {
        self.model = model
        self.version = version
        self.releaseCounter = releaseCounter
        self.releaseFloor = releaseFloor
        self.compatibility = compatibility
        self.entry = entry
        self.smokeTest = smokeTest
        self.metadata = metadata
    }

    /// What a device must be to run a version; nil asks for nothing.
    public struct Compatibility: Hashable, Sendable {
        /// The processor architecture, such as `aarch64`.
        public var arch: String?
        /// The model runtime, such as `onnxruntime`.
        public var runtime: String?
        /// The least memory of the device, in bytes.
        public var minMemoryBytes: UInt64?

        /// Makes requirements; none by default.
        public init(arch: String? = nil, runtime: String? = nil, minMemoryBytes: UInt64? = nil) {
            self.arch = arch
            self.runtime = runtime
            self.minMemoryBytes = minMemoryBytes
        }
    }

    /// A trial run on known inputs.
    public struct SmokeTest: Hashable, Sendable {
        /// The file with inputs and the outputs expected for them.
        public var goldenInputs: ArtifactPath
        /// How far an output may be from the expected one, in the output's own unit; 0 and more.
        public var tolerance: Double
        /// The longest answer to one input, in milliseconds; more than 0.
        public var latencyBudgetMs: Double
        /// The most memory that the runtime may hold after the golden inputs, in bytes; nil for any.
        public var memoryBudgetBytes: UInt64?

        /// Makes a smoke test.
        public init(
            goldenInputs: ArtifactPath, tolerance: Double, latencyBudgetMs: Double, memoryBudgetBytes: UInt64? = nil
        ) {
            self.goldenInputs = goldenInputs
            self.tolerance = tolerance
            self.latencyBudgetMs = latencyBudgetMs
            self.memoryBudgetBytes = memoryBudgetBytes
        }
    }
}

extension EdgeVersionManifest {
    /// The largest `edge-version.json` that is read.
    public static let limitBytes = 64 << 10

    /// Reads `edge-version.json`; a member that this program does not know is refused, because it could be a
    /// requirement.
    ///
    /// - Throws: ``ArtifactRefusal/manifestMalformed(reason:)``.
    public init(parsing text: [UInt8]) throws(ArtifactRefusal) {
        do {
            let fields = try FieldReader(try JSONValue(parsing: text, limits: JSONLimits(bytes: Self.limitBytes)))
            self = try Self(fields)
        } catch {
            throw .manifestMalformed(reason: "\(error)")
        }
    }

    /// The JSON text, members sorted by name.
    public func serialized() -> [UInt8] {
        var members: [String: JSONValue] = [
            "model": .string(model.rawValue),
            "version": .string(version.rawValue),
            "releaseCounter": .integer(Int64(clamping: releaseCounter)),
            "entry": .string(entry.rawValue),
            "compatibility": compatibility.json,
            "metadata": .object(metadata.mapValues { .string($0) }),
        ]
        if releaseFloor > 0 { members["releaseFloor"] = .integer(Int64(clamping: releaseFloor)) }
        members["smokeTest"] = smokeTest?.json
        return JSONValue.object(members).serialized()
    }

    private init(_ fields: FieldReader) throws(FieldFault) {
        try fields.allowOnly([
            "model", "version", "releaseCounter", "releaseFloor", "entry", "compatibility", "smokeTest", "metadata",
        ])
        model = try fields.name("model", of: ModelSubject.self)
        version = try fields.name("version", of: VersionSubject.self)
        releaseCounter = try fields.count("releaseCounter")
        releaseFloor = try fields.optionalCount("releaseFloor") ?? 0
        guard releaseFloor <= releaseCounter else {
            throw FieldFault("releaseFloor must not be more than releaseCounter, or the version withdraws itself")
        }
        entry = try fields.artifactPath("entry")
        compatibility = Compatibility()
        if let required = try fields.optionalObject("compatibility") { compatibility = try Compatibility(required) }
        if let trial = try fields.optionalObject("smokeTest") { smokeTest = try SmokeTest(trial) }
        metadata = try fields.optionalObject("metadata")?.strings() ?? [:]
    }
}

extension EdgeVersionManifest.Compatibility {
    fileprivate init(_ fields: FieldReader) throws(FieldFault) {
        try fields.allowOnly(["arch", "runtime", "minMemoryBytes"])
        arch = try fields.optionalString("arch")
        runtime = try fields.optionalString("runtime")
        minMemoryBytes = try fields.optionalCount("minMemoryBytes")
    }

    fileprivate var json: JSONValue {
        var members: [String: JSONValue] = [:]
        members["arch"] = arch.map { .string($0) }
        members["runtime"] = runtime.map { .string($0) }
        members["minMemoryBytes"] = minMemoryBytes.map { .integer(Int64(clamping: $0)) }
        return .object(members)
    }
}

extension EdgeVersionManifest.SmokeTest {
    fileprivate init(_ fields: FieldReader) throws(FieldFault) {
        try fields.allowOnly(["goldenInputs", "tolerance", "latencyBudgetMs", "memoryBudgetBytes"])
        goldenInputs = try fields.artifactPath("goldenInputs")
        tolerance = try fields.number("tolerance")
        latencyBudgetMs = try fields.number("latencyBudgetMs")
        guard tolerance >= 0 else { throw FieldFault("smokeTest.tolerance must not be negative") }
        guard latencyBudgetMs > 0 else { throw FieldFault("smokeTest.latencyBudgetMs must be more than 0") }
        memoryBudgetBytes = try fields.optionalCount("memoryBudgetBytes")
    }

    fileprivate var json: JSONValue {
        var members: [String: JSONValue] = [
            "goldenInputs": .string(goldenInputs.rawValue), "tolerance": .number(tolerance),
            "latencyBudgetMs": .number(latencyBudgetMs),
        ]
        members["memoryBudgetBytes"] = memoryBudgetBytes.map { .integer(Int64(clamping: $0)) }
        return .object(members)
    }
}

internal import Cryptography
internal import CurlClient
internal import Fleet
internal import ModelTrust
internal import Synchronization
internal import WireFormat

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Which version of a model a device should run, as the controller signed it.
public struct DeviceAssignment: Hashable, Sendable {
    /// Numbers the device's assignments.
    public let number: UInt64
    /// The model's name.
    public let model: String
    /// The version's name.
    public let version: String
    /// The version's digest.
    public let digest: String

    let slot: ModelName
    let content: Digest
}

extension EdgeDevice {
    /// What the device should run of a model; nil where nothing is assigned.
    ///
    /// The signature was checked against the key that the enrolment token names.
    ///
    /// - Throws: ``EdgeDeviceError``; `Problem` and `CurlError` from the controller and the network.
    public func assignment(of model: String) async throws -> DeviceAssignment? {
        let (model, connection) = (try ModelName(model), try connection())
        let set = try await Blocking.run { cancellation in
            try Self.repeated(until: cancellation) { try connection.assignments(known: nil, waitSeconds: 0) }
        }
        let claims = try (set?.assignments ?? []).map { try verified($0) }
        guard let claim = claims.first(where: { $0.model == model }), let run = claim.run else { return nil }
        return DeviceAssignment(
            number: claim.number, model: model.rawValue, version: run.version.rawValue, digest: run.digest.hex,
            slot: model, content: run.digest)
    }

    /// Fetches an assigned version into a directory, which must not exist yet, and verifies it there.
    ///
    /// The directory appears under its name only when everything in it is what a publisher that the enrolment token
    /// names has signed.
    ///
    /// - Returns: the path of the file that the runtime loads.
    /// - Throws: ``EdgeDeviceError``; `Problem` and `CurlError` from the controller and the network.
    public func fetch(_ assignment: DeviceAssignment, into directory: String) async throws -> String {
        guard !FileManager.default.fileExists(atPath: directory) else {
            throw EdgeDeviceError.fileUnusable(directory, reason: "it is there already; name a new directory")
        }
        let connection = try connection()
        let keys = try state.withLock { try $0.keys(of: deviceID) }
        return try await Blocking.run { cancellation in
            let version = try Self.repeated(until: cancellation) { try connection.version(assignment.content) }
            let unfinished = directory + ".unfinished"
            try? FileManager.default.removeItem(atPath: unfinished)
            let entry = try Self.download(version, to: unfinished, by: connection, trusting: keys, until: cancellation)
            try FileManager.default.moveItem(atPath: unfinished, toPath: directory)
            return "\(directory)/\(entry)"
        }
    }

    /// Says that the application serves an assigned version from now on: counts are counted for it, and the next
    /// heartbeat tells the controller.
    ///
    /// - Throws: ``EdgeDeviceError`` for a device that is not registered.
    public func nowServing(_ assignment: DeviceAssignment) throws {
        try begin(RuntimeSeries(model: assignment.slot, digest: assignment.content, start: nextStart()))
        state.withLock { $0.accepted = max($0.accepted, assignment.number) }
    }

    /// Says which version the application serves, where that did not come by an assignment.
    ///
    /// - Parameter digest: the version's, 64 hexadecimal digits; one that the registry does not know is counted too.
    /// - Throws: ``EdgeDeviceError``, `InvalidName`.
    public func nowServing(model: String, digest: String) throws {
        guard let content = Digest(hex: digest) else {
            throw EdgeDeviceError.notTrusted(reason: "\(digest.prefix(80)) is no version's digest (SHA-256)")
        }
        try begin(RuntimeSeries(model: try ModelName(model), digest: content, start: nextStart()))
    }

    /// Says that the application cannot serve an assigned version and stays on what it serves.
    ///
    /// - Parameters:
    ///   - reason: a short stable word, such as `cannot_load`.
    ///   - detail: more for people.
    /// - Throws: ``EdgeDeviceError``; `Problem` and `CurlError` from the controller and the network.
    public func reportFailure(of assignment: DeviceAssignment, reason: String, detail: String? = nil) async throws {
        let connection = try connection()
        let sequence = try changeMembership { membership in
            membership.reports += 1
            return membership.reports
        }
        state.withLock { $0.accepted = max($0.accepted, assignment.number) }
        let report = AttemptReport(
            assignment: assignment.number, model: assignment.slot, sequence: sequence, digest: assignment.content,
            step: "deploy", outcome: .failed, reason: reason, detail: detail.map { String($0.prefix(1000)) },
            at: Self.milliseconds)
        _ = try await Blocking.run { cancellation in
            try Self.repeated(until: cancellation) { try connection.report(ReportBatch(reports: [report])) }
        }
    }

    // MARK: - Parts

    /// A moment later than any before, whatever the clock says.
    func nextStart() throws -> Int64 {
        let now = Self.milliseconds
        return try changeMembership { membership in
            membership.lastStart = max(membership.lastStart + 1, now)
            return membership.lastStart
        }
    }

    private func begin(_ series: RuntimeSeries) {
        state.withLock { state in
            guard state.serving?.digest != series.digest || state.serving?.model != series.model else { return }
            if let before = state.serving, let counts = state.counts { state.book.counted(counts.totals, of: before) }
            state.serving = series
            state.counts = InferenceCounts()
            state.book.began(series)
        }
    }

    private func verified(_ text: String) throws -> AssignmentClaims {
        let pem = state.withLock { $0.membership?.assignmentKey }
        guard let key = pem.flatMap({ PublicKey.read(pem: $0) }) else {
            throw EdgeDeviceError.notRegistered(device: deviceID)
        }
        do throws(AssignmentRefusal) {
            let claims = try AssignmentClaims(verifying: text, trustedKeys: [key], device: id)
            try claims.requireFresh(now: Self.milliseconds / 1000)
            return claims
        } catch {
            throw EdgeDeviceError.notTrusted(reason: "the assignment is not believed: \(error)")
        }
    }

    /// Fetches and verifies; the path of the entry below the directory.
    private static func download(
        _ version: VersionResource, to directory: String, by connection: DeviceConnection,
        trusting keys: [PublicKey], until cancellation: CurlCancellation
    ) throws -> String {
        for file in version.files {
            let path = try ArtifactPath(file.path)
            let target = "\(directory)/\(path)"
            let parent = URL(filePath: target).deletingLastPathComponent().path
            try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
            try repeated(until: cancellation) {
                try write(file, to: target, by: connection)
            }
        }
        try Data(version.bundle.utf8).write(to: URL(filePath: "\(directory)/\(ArtifactPath.signature)"))
        do throws(any Error) {
            let verified = try ModelVerifier(trustedKeys: keys).verify(directory: directory)
            guard verified.digest == version.digest else {
                throw EdgeDeviceError.notTrusted(reason: "the files are of another version than was assigned")
            }
            return verified.manifest.entry.rawValue
        } catch let refusal as ArtifactRefusal {
            try? FileManager.default.removeItem(atPath: directory)
            throw EdgeDeviceError.notTrusted(reason: "the version is not believed: \(refusal)")
        }
    }

    private static func write(_ file: VersionFile, to target: String, by connection: DeviceConnection) throws {
        let handle = try DownloadFile(path: target)
        if file.sizeBytes > 0 {
            try connection.artifact(file.digest, bytes: 0..<file.sizeBytes, of: file.sizeBytes) { _, piece in
                try handle.append(piece)
            }
        }
        try handle.finish()
    }
}

extension EdgeDevice.State {
    /// The publishers' keys that the device trusts.
    fileprivate func keys(of device: String) throws(EdgeDeviceError) -> [PublicKey] {
        guard let membership else { throw .notRegistered(device: device) }
        return membership.publisherKeys.compactMap { PublicKey.read(pem: $0) }
    }
}

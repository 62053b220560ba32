internal import Cryptography
internal import Fleet

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What a registered device keeps: its credential, and the keys it trusts.
///
/// A file that only its owner reads.
struct DeviceMembership: Codable, Sendable {
    /// The controller that registered it.
    var controller: String
    /// The device.
    var device: DeviceID
    /// Its bearer token: a secret.
    var deviceToken: String
    /// The key that signs its assignments, PEM.
    var assignmentKey: String
    /// The publishers' keys that its enrolment token names, PEM.
    var publisherKeys: [String]
    /// The newest start that was given out, milliseconds since 1970.
    var lastStart: Int64
    /// How many reports were sent.
    var reports: UInt64
}

/// Where memberships are kept.
struct DeviceMembershipFile: Sendable {
    let path: String

    /// `DEVICE.json` in the directory that was given, in `EDGE_STATE_DIRECTORY`, or in `edge-orchestrator` below
    /// `$XDG_STATE_HOME` or `~/.local/state`.
    init(of device: DeviceID, in directory: String?) {
        let state = Environment["XDG_STATE_HOME"] ?? "\(Environment["HOME"] ?? ".")/.local/state"
        let base = directory ?? Environment["EDGE_STATE_DIRECTORY"] ?? state + "/edge-orchestrator"
        path = "\(base)/\(device).json"
    }

    /// The membership; nil for a device that was never registered here.
    func load() throws(EdgeDeviceError) -> DeviceMembership? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return try JSONDecoder().decode(DeviceMembership.self, from: Data(contentsOf: URL(filePath: path)))
        } catch {
            // The decoder's words may quote the file, and the file holds the credential.
            throw .stateUnusable(path, reason: "it cannot be read as what this library wrote")
        }
    }

    /// Keeps a membership, on disk before this returns.
    func save(_ membership: DeviceMembership) throws(EdgeDeviceError) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let directory = URL(filePath: path).deletingLastPathComponent().path
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try PrivateFile.write([UInt8](try encoder.encode(membership)), to: path, overwriting: true)
        } catch {
            throw .stateUnusable(path, reason: "it cannot be written: \(SmallFile.reason(error))")
        }
    }
}

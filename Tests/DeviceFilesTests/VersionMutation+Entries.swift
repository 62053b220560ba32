import Cryptography
import Fleet
import Foundation
import Glibc
import ModelTrust

@testable import SimulatedWorld

/// Entries that were not signed, names with two readings, and statements that no publisher should sign.
extension VersionMutation {
    func addEntry(
        _ version: SignedVersionOnDisk, _ content: VersionContent, _ chance: inout SeededChance
    ) throws -> Bool {
        let name = content.draw(&chance)
        let files = FileManager.default
        switch self {
        case .fileAdded: try version.write(chance.bytes(3), to: "extra\(chance.below(99)).bin")
        case .fileAddedBelow: try version.write(chance.bytes(3), to: "data/deep/extra\(chance.below(99))/model.sig")
        case .fileHidden: try version.write([], to: ".hidden\(chance.below(99))")
        case .fileLinked: try files.linkItem(atPath: version.path(name), toPath: version.path("twin\(chance.below(9))"))
        case .fileIsLink:
            // The link leads to the signed bytes, and is refused all the same: it could lead elsewhere tomorrow.
            let elsewhere = version.root + "/elsewhere"
            try files.moveItem(atPath: version.path(name), toPath: elsewhere)
            try files.createSymbolicLink(atPath: version.path(name), withDestinationPath: elsewhere)
        case .directoryIsLink:
            guard content.files.keys.contains(where: { $0.hasPrefix("data/") }) else { return false }
            let elsewhere = version.root + "/elsewhere"
            try files.moveItem(atPath: version.path("data"), toPath: elsewhere)
            try files.createSymbolicLink(atPath: version.path("data"), withDestinationPath: elsewhere)
        case .fileIsPipe:
            try version.remove(name)
            return unsafe mkfifo(version.path(name), 0o600) == 0
        default:
            try version.remove(name)
            try version.write(content.files[name] ?? [], to: "\(name)/\(chance.below(9))")
        }
        return true
    }

    func rename(
        _ version: SignedVersionOnDisk, _ content: VersionContent, _ chance: inout SeededChance
    ) throws -> Bool {
        let name = content.draw(&chance)
        let target: String =
            switch self {
            case .nameInOtherCase: name.uppercased()
            case .nameDecomposed: name.decomposedStringWithCanonicalMapping
            case .nameWithBlank: chance.below(2) == 0 ? name + " " : name + "."
            case .nameWithBackslash: name + "\\x"
            default: name + "\n"
            }
        if self == .nameNotUnicode {
            let bytes = Array(version.path(name).utf8CString.dropLast()) + [-1, 0]
            return unsafe Glibc.rename(version.path(name), bytes) == 0
        }
        // Compared as bytes: Swift takes the two spellings of an umlaut for one text.
        guard !target.utf8.elementsEqual(name.utf8) else { return false }
        if self == .nameInOtherCase { try version.write(content.files[name] ?? [], to: target) }
        return unsafe Glibc.rename(version.path(name), version.path(target)) == 0
    }

    /// What the publisher's key signed although it should not have.
    func restate(_ version: SignedVersionOnDisk, _ content: VersionContent, _ key: SigningKey) throws -> Bool {
        let statement = String(decoding: try SignatureBundle(parsing: content.bundle).payload, as: UTF8.self)
        var files = content.files
        let payload: String
        switch self {
        case .manifestUnsigned, .entryUnsigned:
            let name = self == .manifestUnsigned ? "edge-version.json" : "model.onnx"
            files[name] = nil
            try version.remove(name)
            if self == .manifestUnsigned, files.isEmpty { return false }
            let bundle = try VersionContent(files: files, signedBy: key).bundle
            try version.write(bundle, to: "model.sig")
            return true
        case .statementLeavesDirectory: payload = statement.replacing("\"model.onnx\"", with: "\"../../model.onnx\"")
        case .statementAbsolute: payload = statement.replacing("\"model.onnx\"", with: "\"/etc/passwd\"")
        case .statementRepeats: payload = statement.replacing("\"model.onnx\"", with: "\"edge-version.json\"")
        case .statementAllowsLinks:
            payload = statement.replacing("\"allow_symlinks\":false", with: "\"allow_symlinks\":true")
        case .statementOfOtherHash: payload = statement.replacing("\"sha256\"", with: "\"blake2b\"")
        case .statementOfOtherType: payload = statement.replacing("signature/v1.0", with: "signature/v0.9")
        case .statementRootWrong:
            payload = statement.replacing(
                try ModelStatement(parsing: Array(statement.utf8), hashing: SHA256()).root.hex,
                with: String(repeating: "0", count: 64))
        default: payload = "{}"
        }
        try version.write(try VersionContent.bundle(payload: Array(payload.utf8), signedBy: key), to: "model.sig")
        return payload != statement
    }
}

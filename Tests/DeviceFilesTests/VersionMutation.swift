import Cryptography
import Fleet
import Foundation
import Glibc
import ModelTrust

@testable import SimulatedWorld

/// A way to tamper with a version that lies on a device.
enum VersionMutation: String, CaseIterable {
    case bundleBit, bundleByteRemoved, bundleByteAdded, bundleCut, bundleEmpty, bundleMissing, bundleIsDirectory
    case bundleIsLink, bundleIsPipe, bundleHasMember, bundleOfOtherMethod, payloadEdited, payloadRespelled
    case signatureOfOther, signedByStranger, signedByStrangerInOurName, otherModel, otherVersion
    case fileBit, fileCut, fileGrown, fileEmpty, fileMissing, fileRenamed, filesSwapped, fileAdded, fileAddedBelow
    case fileHidden, fileLinked, fileIsLink, directoryIsLink, fileIsPipe, fileIsDirectory
    case nameInOtherCase, nameDecomposed, nameWithBlank, nameWithBackslash, nameWithLineBreak, nameNotUnicode
    case manifestEdited, manifestMissing, manifestUnsigned, entryUnsigned, statementLeavesDirectory
    case statementAbsolute, statementRepeats, statementAllowsLinks, statementOfOtherHash, statementOfOtherType
    case statementRootWrong, statementEmpty

    /// Changes the directory; false where this draw changed nothing.
    func apply(
        to version: SignedVersionOnDisk, _ content: VersionContent, key: SigningKey, chance: inout SeededChance
    ) throws -> Bool {
        switch self {
        case .bundleBit, .bundleByteRemoved, .bundleByteAdded, .bundleCut, .bundleEmpty, .bundleMissing,
            .bundleIsDirectory, .bundleIsLink, .bundleIsPipe, .bundleHasMember, .bundleOfOtherMethod:
            return try changeBundle(version, content, &chance)
        case .payloadEdited, .payloadRespelled, .signatureOfOther, .signedByStranger, .signedByStrangerInOurName,
            .otherModel, .otherVersion:
            return try signOtherwise(version, content, key, &chance)
        case .fileBit, .fileCut, .fileGrown, .fileEmpty, .fileMissing, .fileRenamed, .filesSwapped, .manifestEdited,
            .manifestMissing:
            return try changeFile(version, content, &chance)
        case .fileAdded, .fileAddedBelow, .fileHidden, .fileLinked, .fileIsLink, .directoryIsLink, .fileIsPipe,
            .fileIsDirectory:
            return try addEntry(version, content, &chance)
        case .nameInOtherCase, .nameDecomposed, .nameWithBlank, .nameWithBackslash, .nameWithLineBreak,
            .nameNotUnicode:
            return try rename(version, content, &chance)
        case .manifestUnsigned, .entryUnsigned, .statementLeavesDirectory, .statementAbsolute, .statementRepeats,
            .statementAllowsLinks, .statementOfOtherHash, .statementOfOtherType, .statementRootWrong, .statementEmpty:
            return try restate(version, content, key)
        }
    }

    private func changeBundle(
        _ version: SignedVersionOnDisk, _ content: VersionContent, _ chance: inout SeededChance
    ) throws -> Bool {
        var bundle = content.bundle
        // The last byte is the line's end behind the document: it carries nothing.
        let place = chance.below(bundle.count - 1)
        let text = String(decoding: bundle, as: UTF8.self)
        switch self {
        case .bundleBit: bundle[place] ^= 1 << chance.below(8)
        case .bundleByteRemoved: bundle.remove(at: place)
        case .bundleByteAdded: bundle.insert(UInt8(0x21 + chance.below(90)), at: place)
        case .bundleCut: bundle.removeSubrange(place...)
        case .bundleEmpty: bundle = []
        case .bundleHasMember: bundle = Array(text.replacing("\"sig\":", with: "\"x\(place)\":1,\"sig\":").utf8)
        case .bundleOfOtherMethod:
            bundle = Array(text.replacing("\"publicKey\":{", with: "\"certificate\":{\"rawBytes\":\"\(place)\",").utf8)
        default:
            try version.remove("model.sig")
            if self == .bundleIsDirectory { try version.write([1], to: "model.sig/x\(place)") }
            if self == .bundleIsPipe { return unsafe mkfifo(version.path("model.sig"), 0o600) == 0 }
            if self == .bundleIsLink {
                let elsewhere = version.root + "/bundle"
                try Data(content.bundle).write(to: URL(filePath: elsewhere))
                try FileManager.default.createSymbolicLink(
                    atPath: version.path("model.sig"), withDestinationPath: elsewhere)
            }
            return true
        }
        try version.write(bundle, to: "model.sig")
        return bundle != content.bundle
    }

    private func signOtherwise(
        _ version: SignedVersionOnDisk, _ content: VersionContent, _ key: SigningKey, _ chance: inout SeededChance
    ) throws -> Bool {
        let signed = try SignatureBundle(parsing: content.bundle)
        var files = content.files
        switch self {
        case .payloadEdited:
            var payload = signed.payload
            payload[chance.below(payload.count)] ^= 1 << chance.below(7)
            try version.write(
                SignatureBundle(keyHint: signed.keyHint, payload: payload, signature: signed.signature).serialized(),
                to: "model.sig")
        case .payloadRespelled:
            try version.write(
                SignatureBundle(keyHint: signed.keyHint, payload: signed.payload + [0x20], signature: signed.signature)
                    .serialized(), to: "model.sig")
        case .signatureOfOther:
            files["model.onnx"] = chance.bytes(50)
            let other = try SignatureBundle(parsing: try VersionContent(files: files, signedBy: key).bundle)
            try version.write(
                SignatureBundle(keyHint: signed.keyHint, payload: signed.payload, signature: other.signature)
                    .serialized(), to: "model.sig")
        case .signedByStranger, .signedByStrangerInOurName:
            let stranger = try SigningKey.generate()
            let foreign = try SignatureBundle(parsing: try VersionContent(files: files, signedBy: stranger).bundle)
            let hint = self == .signedByStranger ? foreign.keyHint : signed.keyHint
            try version.write(
                SignatureBundle(keyHint: hint, payload: foreign.payload, signature: foreign.signature).serialized(),
                to: "model.sig")
        default:
            files["edge-version.json"] =
                self == .otherModel
                ? VersionContent.manifest(model: "faces") : VersionContent.manifest(version: "v\(3 + chance.below(9))")
            try version.write(files["edge-version.json"] ?? [], to: "edge-version.json")
            try version.write(try VersionContent(files: files, signedBy: key).bundle, to: "model.sig")
        }
        return true
    }

    private func changeFile(
        _ version: SignedVersionOnDisk, _ content: VersionContent, _ chance: inout SeededChance
    ) throws -> Bool {
        let name = [.manifestEdited, .manifestMissing].contains(self) ? "edge-version.json" : content.draw(&chance)
        var bytes = content.files[name] ?? []
        switch self {
        case .fileBit, .manifestEdited:
            bytes[chance.below(bytes.count)] ^= 1 << chance.below(8)
        case .fileCut: bytes.removeLast(1 + chance.below(bytes.count))
        case .fileGrown: bytes += chance.bytes(1 + chance.below(9))
        case .fileEmpty: bytes = []
        case .fileRenamed:
            try version.move(name, to: "\(name)\(chance.below(99))")
            return true
        case .filesSwapped:
            let other = content.draw(&chance)
            guard content.files[other] != content.files[name] else { return false }
            try version.write(content.files[other] ?? [], to: name)
            bytes = content.files[name] ?? []
            try version.write(bytes, to: other)
            return true
        default:
            try version.remove(name)
            return true
        }
        try version.write(bytes, to: name)
        return true
    }
}

extension VersionContent {
    /// The name of one of the files.
    func draw(_ chance: inout SeededChance) -> String {
        let names = files.keys.sorted()
        return names[chance.below(names.count)]
    }
}

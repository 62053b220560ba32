import Cryptography
import Foundation

@testable import HardwareKeys

/// A SoftHSM token in a directory of its own, with two keys from elsewhere in it.
///
/// SoftHSM looks for tokens once in a process: all tests share this one, each with keys of its own.
struct SoftToken {
    /// SoftHSM's library; nil where it is not installed.
    static let module = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"].first {
        FileManager.default.fileExists(atPath: $0)
    }

    private static let shared = Result { try SoftToken(in: NSTemporaryDirectory() + "softhsm-\(UUID().uuidString)") }

    let label = "test keys"
    let pin = "73-19 geheim"
    /// Lies in the token as `imported`.
    let imported: SigningKey
    private let directory: String

    static func get() throws -> SoftToken { try shared.get() }

    private init(in path: String) throws {
        try FileManager.default.createDirectory(atPath: path + "/tokens", withIntermediateDirectories: true)
        let settings = "directories.tokendir = \(path)/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
        try settings.write(toFile: path + "/softhsm2.conf", atomically: true, encoding: .utf8)
        unsafe setenv("SOFTHSM2_CONF", path + "/softhsm2.conf", 1)
        directory = path + "/tokens"
        imported = try SigningKey.generate()
        try Self.run(["--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "so-pin-1"])
        for (object, id, pem) in [("imported", "a1", try imported.pem()), ("p384", "b2", Self.p384)] {
            let file = "\(path)/\(object).pem"
            try pem.write(toFile: file, atomically: true, encoding: .utf8)
            try Self.run(["--import", file, "--token", label, "--label", object, "--id", id, "--pin", pin])
        }
    }

    /// A key of this token.
    func uri(_ object: String, token: String? = nil) throws -> KeyURI {
        let name = (token ?? label).replacing(" ", with: "%20")
        return try KeyURI("pkcs11:token=\(name);object=\(object)?module-path=\(Self.module ?? "")")
    }

    /// What the token says of each private key in it, by PKCS #11's names: `TRUE` or `FALSE`.
    func privateKeys() throws -> [[String: String]] {
        let files = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
        return try files.filter { $0.hasSuffix(".object") }.compactMap { file in
            let lines = try Self.dumped(directory + "/" + file).split(separator: "\n").map { $0.split(separator: " ") }
            guard lines.contains(where: { $0.last == "CKO_PRIVATE_KEY" }) else { return nil }
            // An attribute's name, its kind, its value: a line each.
            return Dictionary(
                zip(lines, lines.dropFirst(2)).compactMap { name, value in
                    guard let name = name.last, name.hasPrefix("CKA_"), let value = value.last else { return nil }
                    return (String(name), String(value))
                }
            ) { $1 }
        }
    }

    private static func dumped(_ path: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/softhsm2-dump-file")
        process.arguments = [path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/softhsm2-util")
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(arguments: arguments) }
    }

    struct Failure: Error {
        let arguments: [String]
    }

    /// A key on another curve, made once with `openssl genpkey` for these tests alone.
    private static let p384 = """
        -----BEGIN PRIVATE KEY-----
        MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCfZ57R7+aMafP+d1NX
        iLzp5Tl9iPSSA70g5yWH2632CnFkamEWT/K876SclwAz8/ChZANiAAQMsBuUnEYO
        xJC2p+TXl98E1hqhFm/LZybxutOiNRvtQG45JowKtkrpFElNopJjfaVGuKsSzyVE
        0miHLeZ1CULS4QOt0BkP1WJBYseBwmhSv43PWHQ4ICc2cpjNgzhFxVw=
        -----END PRIVATE KEY-----

        """
}

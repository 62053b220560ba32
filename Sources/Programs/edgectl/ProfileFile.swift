import Cryptography
import EdgeOrchestrator
import FoundationEssentials
import Yams

/// A controller and the key for it.
struct Profile: Codable, Hashable {
    var server: String
    var key: String?
    var caFile: String?
    var assignmentKeyFile: String?
}

/// The profiles of a person.
struct Profiles: Codable, Hashable {
    var current: String?
    var profiles: [String: Profile] = [:]

    /// A profile by its name.
    func named(_ name: String) throws -> Profile {
        guard let profile = profiles[name] else {
            let known = profiles.keys.sorted().joined(separator: ", ")
            throw CommandFailure.invalid(
                "there is no profile \"\(name)\" (\(known.isEmpty ? "there is none yet" : "known: \(known)")); "
                    + "make it with `edgectl profile set \(name) --server URL`")
        }
        return profile
    }
}

/// Where profiles are kept: a YAML file that only its owner reads.
struct ProfileFile {
    let path: String

    /// `$EDGECTL_CONFIG`, or `edgectl/config.yaml` below `$XDG_CONFIG_HOME` or `~/.config`.
    static func located(_ environment: [String: String]) -> ProfileFile {
        if let path = environment["EDGECTL_CONFIG"], !path.isEmpty { return ProfileFile(path: path) }
        let home = environment["HOME"].map { "\($0)/.config" } ?? "."
        let base = environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home
        return ProfileFile(path: "\(base)/edgectl/config.yaml")
    }

    /// Reads the profiles; a file that is not there holds none.
    func load() throws -> Profiles {
        guard FileManager.default.fileExists(atPath: path) else { return Profiles() }
        let text = try LocalFile.text(path, limitBytes: 1 << 20)
        do {
            return try YAMLDecoder().decode(Profiles.self, from: text)
        } catch {
            // The parser's words may quote the file, and the file holds keys.
            throw CommandFailure.invalid(
                "the profile file \(path) is not valid: it needs `current: NAME` and `profiles:` with a `server:` "
                    + "each; mend it, or remove it and use `edgectl profile set`")
        }
    }

    /// Writes the profiles, readable by the owner only.
    func save(_ profiles: Profiles) throws {
        let text = try Rendering.yaml(profiles)
        let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        do {
            if !directory.isEmpty {
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            }
            try PrivateFile.write(Array(text.utf8), to: path, overwriting: true)
        } catch {
            throw CommandFailure.failed("cannot write the profile file \(path): \(error)")
        }
    }
}

/// Small files of the person who runs the program.
enum LocalFile {
    /// Reads a text file.
    ///
    /// - Throws: a failure that names the file and what to do.
    static func text(_ path: String, limitBytes: Int) throws -> String {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw CommandFailure.invalid(
                "cannot read \(path): \(SmallFile.reason(error)); check the path and its permissions")
        }
        guard data.count <= limitBytes else {
            throw CommandFailure.invalid(
                "\(path) is larger than \(limitBytes) bytes; this is not the file that is wanted")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw CommandFailure.invalid("\(path) is not UTF-8 text; save it as UTF-8")
        }
        return text
    }
}

import ArgumentParser
import Cryptography
import EdgeOrchestrator
import Fleet
import ModelTrust
import Terminal
import WireFormat

/// `edgectl key list`.
struct KeyList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the keys the controller knows, or those of a file of key sets.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "A file of key sets, read instead of asking the controller.") var keySet: String?
    @Flag(help: "Also count the devices that follow each key set; asks for every device.") var devices = false

    func run() throws {
        if let keySet {
            let table = KeyTable(try KeySetFile(reading: keySet).trust)
            try output.print(table.listed) { try table.lines }
            return
        }
        let controller = try server.connect()
        var table = KeyTable(
            assignments: [try controller.assignmentKey()], versions: try controller.publisherKeys(),
            keySets: try controller.keySets())
        if devices {
            for device in try controller.devices() where device.state != .retired {
                table.listed.devices = table.listed.devices ?? [:]
                table.listed.devices?["\(device.keySet ?? 0)", default: 0] += 1
            }
        }
        try output.print(table.listed) { try table.lines }
    }
}

/// Keys by use, for people and for programs.
struct KeyTable {
    /// What programs read.
    struct Listed: Encodable {
        var assignments: [PublisherKey] = []
        var versions: [PublisherKey] = []
        /// The number of the newest key set; 0 where there is none.
        var keySet: UInt64 = 0
        var recoveryKey: Digest?
        /// Devices by the key set they follow; nil where nobody asked.
        var devices: [String: Int]?
    }

    var listed = Listed()

    init(_ trust: PublisherTrust<PublicKey>) {
        listed.versions =
            trust.keys.map { PublisherKey(pem: $0.pem, fingerprint: $0.fingerprint.hex) }
            + trust.revoked.map { PublisherKey(pem: $0.pem, fingerprint: $0.fingerprint.hex, revoked: true) }
        listed.keySet = trust.number
        listed.recoveryKey = trust.recoveryKey
    }

    /// Fingerprints of what a controller tells are computed here: its own word for them is not taken.
    init(assignments: [PublisherKey], versions: [PublisherKey], keySets: [KeySetResource]) {
        listed.assignments = assignments
        listed.versions = versions
        guard let newest = keySets.last else { return }
        listed.keySet = newest.number
        listed.recoveryKey = newest.recoveryKey
    }

    var lines: [StyledText] {
        get throws {
            var table = Table("USE", "FINGERPRINT", "STATUS")
            for key in listed.assignments {
                table.add(["assignments", StyledText(try KeyFile.fingerprint(of: key).hex), ""])
            }
            for key in listed.versions {
                table.add([
                    "versions", StyledText(try KeyFile.fingerprint(of: key).hex),
                    key.revoked == true ? StyledText("revoked", .bad) : "counts",
                ])
            }
            if let recovery = listed.recoveryKey { table.add(["key sets", StyledText(recovery.hex), "recovery"]) }
            var lines = table.lines()
            lines.append(listed.keySet == 0 ? "no key set yet" : StyledText("key set \(listed.keySet)"))
            for (number, count) in (listed.devices ?? [:]).sorted(by: { UInt64($0.key) ?? 0 < UInt64($1.key) ?? 0 }) {
                lines.append(
                    StyledText("\(count) device(s) follow key set \(number)")
                        + (UInt64(number) == listed.keySet ? "" : StyledText(" (behind)", .notice)))
            }
            return lines
        }
    }
}

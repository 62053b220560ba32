import ArgumentParser
import EdgeOrchestrator
import Fleet
import Terminal
import WireFormat

/// `edgectl device`.
struct DeviceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device",
        abstract: "Shows, labels, approves, revokes, replaces, retries, rolls back and retires devices.",
        subcommands: [
            DeviceList.self, DeviceShow.self, DeviceLabel.self, DeviceApprove.self, DeviceReject.self,
            DeviceRevoke.self, DeviceReplace.self, DeviceRetry.self, DeviceRollback.self, DeviceRetire.self,
        ])
}

/// `edgectl device list`.
struct DeviceList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists devices.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var selector: SelectorOption

    func run() throws {
        let devices = try server.connect().devices(matching: selector.selector)
        let table = Self.table(devices, wide: output.isWide, now: Console.now)
        try output.printTable(
            devices, table,
            ifEmpty: selector.selector.isEmpty
                ? "no devices; `edgectl token create` makes a token with which they join"
                : "no device matches \(selector.selector)")
    }

    /// One line per device and model.
    static func table(_ devices: [DeviceResource], wide: Bool, now: Timestamp) -> Table {
        var table =
            wide
            ? Table(
                "DEVICE", "STATE", "HEARD", "MODEL", "RUNS", "WANTS", "ARM", "HEALTHY", "FALLBACK", "ROLLOUT", "AGENT",
                "LABELS")
            : Table("DEVICE", "STATE", "HEARD", "MODEL", "RUNS", "WANTS", "ARM", "HEALTHY")
        for device in devices {
            let slots: [DeviceResource.Slot?] = device.slots.isEmpty ? [nil] : device.slots
            for slot in slots { table.add(row(device, slot, wide: wide, now: now)) }
        }
        return table
    }

    private static func row(
        _ device: DeviceResource, _ slot: DeviceResource.Slot?, wide: Bool, now: Timestamp
    ) -> [StyledText] {
        var cells = [
            StyledText("\(device.id)"), device.standing?.styled ?? device.state.styled,
            Rendering.time(device.lastHeartbeatAt, wide: wide, now: now), StyledText(slot?.model.rawValue ?? "-"),
            StyledText(slot?.running?.shown ?? "-"), StyledText(slot?.assigned?.shown ?? "-"),
            StyledText(slot?.arm ?? "-"), slot.map(healthy) ?? "-",
        ]
        if wide {
            cells += [
                StyledText(slot?.fallback?.shown ?? "-"), StyledText(slot?.rollout?.rawValue ?? "-"),
                StyledText(device.agentVersion.isEmpty ? "-" : device.agentVersion),
                StyledText(device.labels.description),
            ]
        }
        return cells
    }

    private static func healthy(_ slot: DeviceResource.Slot) -> StyledText {
        if let step = slot.step { return StyledText("updating (\(step))", .notice) }
        return slot.healthy ? StyledText("yes", .good) : StyledText("no", .bad)
    }
}

/// `edgectl device label`.
struct DeviceLabel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Sets labels with KEY=VALUE and removes them with KEY-.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The device.", transform: { try DeviceID($0) }) var device: DeviceID
    @Argument(help: "KEY=VALUE or KEY-.") var changes: [String]

    func run() throws {
        let controller = try server.connect()
        var labels = try controller.device(device).labels
        try Self.change(&labels, by: changes)
        let changed = try controller.setLabels(labels, of: device)
        try output.print(changed) {
            ["\(changed.id)  \(changed.labels.isEmpty ? "(no labels)" : changed.labels.description)"]
        }
    }

    static func change(_ labels: inout Labels, by changes: [String]) throws {
        for change in changes {
            if let place = change.firstIndex(of: "=") {
                try labels.set(String(change[..<place]), to: String(change[change.index(after: place)...]))
            } else if change.hasSuffix("-") {
                labels.remove(String(change.dropLast()))
            } else {
                throw CommandFailure.invalid("\"\(change)\" changes nothing: write KEY=VALUE to set, KEY- to remove")
            }
        }
    }
}

/// `edgectl device retire`.
struct DeviceRetire: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retire", abstract: "Takes a device out of service for good; its id is not used again.")

    @OptionGroup var server: ServerOptions
    @Argument(help: "The device.", transform: { try DeviceID($0) }) var device: DeviceID

    func run() throws {
        try server.connect().retire(device)
        Console.output.print("device \(device) is retired; its token no longer works")
    }
}

extension DeviceStanding {
    /// The kind in its colour.
    var styled: StyledText { StyledText(kind.rawValue, kind == .approved ? .notice : .bad) }
}

extension Connectivity {
    /// The state in its colour.
    var styled: StyledText {
        switch self {
        case .online: StyledText(rawValue, .good)
        case .suspect: StyledText(rawValue, .notice)
        case .offline: StyledText(rawValue, .bad)
        case .retired: StyledText(rawValue, .faint)
        }
    }
}

extension VersionLabel {
    /// The name, or the digest's first digits.
    var shown: String { name?.rawValue ?? digest.short }
    /// Name and digest.
    var described: String { name.map { "\($0) (\(digest.short))" } ?? digest.hex }
}

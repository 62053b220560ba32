import ArgumentParser
import EdgeOrchestrator
import Fleet
import Terminal
import WireFormat

/// `edgectl device show`.
struct DeviceShow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Shows one device whole.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The device.", transform: { try DeviceID($0) }) var device: DeviceID

    func run() throws {
        let found = try server.connect().device(device)
        try output.print(found) { Self.lines(found, now: Console.now) }
    }

    static func lines(_ device: DeviceResource, now: Timestamp) -> [StyledText] {
        var lines: [StyledText] = [
            StyledText("\(device.id) ", .strong) + device.state.styled,
            "  enrolled    \(device.enrolledAt) (\(Rendering.age(device.enrolledAt, now: now)) ago)",
            "  heard       \(device.lastHeartbeatAt.map { "\($0) (\(Rendering.age($0, now: now)) ago)" } ?? "never")",
            "  agent       \(device.agentVersion.isEmpty ? "-" : device.agentVersion)",
            "  labels      \(device.labels.isEmpty ? "-" : device.labels.description)",
            "  assignment  \(device.assignment)",
        ]
        if let standing = device.standing {
            lines.append(
                StyledText("  standing    ") + standing.styled
                    + StyledText(" since \(standing.since) by \(standing.by): \(standing.reason)"))
        }
        if !device.problems.isEmpty {
            lines.append(StyledText("  problems    ") + StyledText(device.problems.joined(separator: ", "), .bad))
        }
        for slot in device.slots { lines += self.lines(slot, of: device.id) }
        for total in device.totals {
            let gaps = total.gaps == 0 ? "" : ", \(total.gaps) gaps where a runtime ended uncounted"
            let counts = "\(total.totals.requests) requests, \(total.totals.allFailures) failures\(gaps)"
            lines.append("  counted     \(total.digest.short): \(counts)")
        }
        return lines
    }

    private static func lines(_ slot: DeviceResource.Slot, of device: DeviceID) -> [StyledText] {
        var lines: [StyledText] = [
            StyledText("  model \(slot.model)", .strong),
            "    runs        \(slot.running?.described ?? "-")\(slot.healthy ? "" : " (not healthy)")",
            "    wants       \(slot.assigned?.described ?? "-")",
            "    fallback    \(slot.fallback?.described ?? "-")",
            "    deployment  \(slot.deployment?.rawValue ?? "-")",
            "    rollout     \(slot.rollout?.rawValue ?? "-") (\(slot.arm))",
            "    update      \(slot.step ?? "idle")",
        ]
        if let failed = slot.failed {
            let remedy = " (it failed here before; `edgectl device retry \(device) --reason ...` has it tried again)"
            lines.append(
                StyledText("    failed      ") + StyledText(failed, .bad)
                    + StyledText(failed == "quarantined" ? remedy : ""))
        }
        return lines
    }
}

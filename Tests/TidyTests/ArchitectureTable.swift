/// The table of layers in `ARCHITECTURE.md`.
struct ArchitectureTable: Sendable {
    /// One row.
    struct Row: Sendable {
        /// The layer's folder, such as `Core`.
        let layer: String
        let targets: [String]
        /// What its targets may import: layers, targets, `nothing` or `all`.
        let allowed: [String]
        /// Modules of the system and of other packages that its targets may import.
        let foreign: [String]
    }

    let rows: [Row]

    init(_ text: String) {
        rows = text.split(separator: "\n").filter { $0.hasPrefix("| `Sources/") }.compactMap { line in
            let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
            guard cells.count == 4, let folder = cells[0].split(separator: "`").first else { return nil }
            return Row(
                layer: String(folder.dropFirst("Sources/".count)), targets: Self.list(cells[1]),
                allowed: Self.list(cells[2]), foreign: Self.list(cells[3]))
        }
    }

    private static func list(_ cell: String) -> [String] {
        cell.split(separator: ",").map { String($0.drop { $0 == " " }) }
    }

    /// The layer of a target; nil for one that the table does not name.
    func layer(of target: String) -> String? { rows.first { $0.targets.contains(target) }?.layer }

    /// Whether a layer's targets may import a module.
    func allows(_ layer: String, toImport module: String) -> Bool {
        guard let row = rows.first(where: { $0.layer == layer }) else { return false }
        guard let imported = self.layer(of: module) else { return row.foreign.contains(module) }
        return row.allowed.contains("all") || row.allowed.contains(imported) || row.allowed.contains(module)
    }
}

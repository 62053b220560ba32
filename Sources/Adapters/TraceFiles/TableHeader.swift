/// The first record of a file: which column is where.
struct TableHeader {
    /// The columns' names, in their order.
    let names: [String]
    private let file: String
    private let line: Int

    /// Reads the header.
    ///
    /// - Throws: ``TraceFault`` where there is none or a name comes twice.
    init(_ reader: inout CSVReader) throws(TraceFault) {
        file = reader.file
        guard try reader.next() else {
            throw TraceFault(file: file, line: 1, fault: "the file is empty; its first line names the columns")
        }
        line = reader.line
        var names: [String] = []
        for field in reader.fields.indices {
            let name = reader.text(field)
            guard !names.contains(name) || name.isEmpty else {
                throw reader.fault("column \(name) comes twice; give it once")
            }
            names.append(name)
        }
        self.names = names
    }

    /// The place of a column that must be there.
    ///
    /// - Throws: ``TraceFault`` where it is not.
    func required(_ name: String) throws(TraceFault) -> Int {
        guard let place = optional(name) else {
            throw TraceFault(
                file: file, line: line,
                fault: "column \(name) is missing; the first line names the columns (found: "
                    + "\(names.prefix(8).joined(separator: ", ")))")
        }
        return place
    }

    /// The place of a column; nil where it is not there.
    func optional(_ name: String) -> Int? { names.firstIndex(of: name) }

    /// Says which columns nobody reads.
    func warnings(known: (Int) -> Bool) -> [String] {
        names.indices.filter { !names[$0].isEmpty && !known($0) }.map {
            "\(file):\(line): column \(names[$0]) is unknown; it is left out"
        }
    }

    /// Checks that a record has a field for every column.
    ///
    /// - Throws: ``TraceFault`` where it has not.
    func check(_ reader: CSVReader) throws(TraceFault) {
        guard reader.fields.count == names.count else {
            throw reader.fault("has \(reader.fields.count) fields where the first line names \(names.count)")
        }
    }
}

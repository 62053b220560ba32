internal import CanaryAnalysis
internal import RecordedFleets

/// `devices.csv`: who was in the fleet.
struct DeviceFile {
    /// The devices, in the order of the file.
    private(set) var devices: [RecordedDevice] = []
    /// Their places by id.
    private(set) var index = DeviceIndex()
    /// The measured names of this file and the observations together.
    let names: MeasurementNames
    /// What was left out.
    private(set) var warnings: [String]

    private let columns: Columns

    /// Where the columns are.
    private struct Columns {
        let device, arm: Int
        let step, commandedAt, exposedAt, stratum: Int?
        var unit: Int?
        let labels: [(name: String, column: Int)]
        var history: MeasurementColumns

        init(_ header: TableHeader) throws(TraceFault) {
            device = try header.required("device")
            arm = try header.required("arm")
            step = header.optional("step")
            commandedAt = header.optional("commanded_at")
            exposedAt = header.optional("exposed_at")
            stratum = header.optional("stratum")
            unit = header.optional("unit")
            labels = header.names.enumerated().compactMap { column, name in
                name.after("label_").map { ($0, column) }
            }
            history = MeasurementColumns(header: header.names, prefix: "history_")
        }

        func isKnown(_ column: Int) -> Bool {
            [device, arm, step, commandedAt, exposedAt, stratum, unit].contains(column) || history.isMeasured[column]
                || labels.contains { $0.column == column }
        }
    }

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - observed: the columns of the observations, so that both have the same names.
    ///   - unitLabel: the label that is the unit where no column says it; nil for none.
    /// - Throws: ``TraceFault`` for the first thing that is wrong.
    init(
        _ source: any ByteSource, file: String, observed: MeasurementColumns, unitLabel: String? = nil
    ) throws(TraceFault) {
        var reader = try CSVReader(source, file: file)
        let header = try TableHeader(&reader)
        var columns = try Columns(header)
        names = MeasurementColumns.names(observed, columns.history)
        columns.history.align(to: names)
        if columns.unit == nil, let unitLabel { columns.unit = header.optional("label_\(unitLabel)") }
        self.columns = columns
        warnings = header.warnings(known: columns.isKnown)
        if let unitLabel, columns.unit == nil {
            warnings.append(
                "\(file): the policy's unit is \(unitLabel), and there is no column label_\(unitLabel) and none named "
                    + "unit; single devices are compared")
        }
        if !columns.history.latency.isEmpty, names.latencyBounds.isEmpty {
            warnings.append("\(file): no latency bucket is in the observations too; latency is not judged")
        }
        var stepOfUnit: [String: Int] = [:]
        var numbers = [Double](repeating: .nan, count: header.names.count)
        while try reader.next() {
            try header.check(reader)
            guard index.insert(reader.fields[columns.device], in: reader.buffer) else {
                throw reader.fault("device \(reader.text(columns.device)) comes twice; give it once")
            }
            for column in numbers.indices where columns.history.isMeasured[column] {
                numbers[column] = try reader.optionalNumber(column, of: header) ?? .nan
            }
            if let fault = columns.history.fault(numbers, areWhole: false) { throw reader.fault(fault) }
            let device = try device(reader, header, columns.history.measurements(numbers, at: 0))
            let step = device.step ?? 0
            if device.arm != .outside, !device.unit.isEmpty,
                stepOfUnit.updateValue(step, forKey: device.unit) ?? step != step
            {
                throw reader.fault(
                    "unit \"\(device.unit)\" has devices that another step drew, or none did; a unit is drawn whole: "
                        + "give all its devices the same arm and step")
            }
            devices.append(device)
        }
        guard !devices.isEmpty else { throw TraceFault(file: file, fault: "no device is named; write one a line") }
    }

    private mutating func device(
        _ reader: CSVReader, _ header: TableHeader, _ history: Measurements
    ) throws(TraceFault) -> RecordedDevice {
        func time(_ column: Int?) throws(TraceFault) -> Double? {
            guard let column else { return nil }
            return try reader.optionalNumber(column, of: header)
        }
        let id = reader.text(columns.device)
        guard !id.isEmpty else { throw reader.fault("the device has no name; write one") }
        let word = reader.text(columns.arm).lowercased()
        guard let arm = RecordedDevice.Arm(rawValue: word) else {
            throw reader.fault("arm \"\(word)\" is unknown; write canary, baseline or outside")
        }
        var labels: [String: String] = [:]
        for (name, column) in columns.labels where !reader.fields[column].isEmpty {
            labels[name] = reader.text(column)
        }
        var device = RecordedDevice(
            id: id, arm: arm, stratum: columns.stratum.map { reader.text($0) } ?? "", labels: labels, history: history,
            unit: columns.unit.map { reader.text($0) } ?? "")
        device.exposedAt = try time(columns.exposedAt)
        let step = try step(reader, header)
        guard arm == .canary else {
            if step != nil, arm == .baseline { note("\(reader.file):\(reader.line): a baseline device has a step") }
            return device
        }
        guard let step else { throw reader.fault("a canary needs the step that drew it; write 1 for the first") }
        device.step = step
        device.commandedAt = try time(columns.commandedAt)
        return device
    }

    private func step(_ reader: CSVReader, _ header: TableHeader) throws(TraceFault) -> Int? {
        guard let column = columns.step, let number = try reader.optionalNumber(column, of: header) else { return nil }
        guard number == number.rounded(), (1...Self.stepLimit).contains(number) else {
            throw reader.fault("step \(reader.text(column)) must be a whole number from 1 to \(Int(Self.stepLimit))")
        }
        return Int(number)
    }

    /// The most steps that a rollout may have.
    private static let stepLimit = 20.0

    /// Remembers a remark, once.
    private mutating func note(_ text: String) {
        let rest = "; only those of canaries count"
        guard !warnings.contains(where: { $0.hasSuffix(rest) }) else { return }
        warnings.append(text + rest)
    }
}

extension CSVReader {
    /// The number in a field; nil where it is empty.
    ///
    /// - Throws: ``TraceFault`` where it is no number.
    func optionalNumber(_ field: Int, of header: TableHeader) throws(TraceFault) -> Double? {
        guard !fields[field].isEmpty else { return nil }
        guard let number = buffer.number(at: fields[field]) else {
            throw fault("\(header.names[field]) \"\(text(field).prefix(40))\" is not a number")
        }
        return number
    }
}

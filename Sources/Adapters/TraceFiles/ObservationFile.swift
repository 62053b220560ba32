internal import CanaryAnalysis
internal import RecordedFleets

/// `observations.csv`, row by row.
struct ObservationFile {
    /// What is measured in which column.
    var columns: MeasurementColumns
    /// The numbers of the row, by column; not-a-number for an empty cell.
    private(set) var numbers: [Double]
    /// When the row was received, in seconds since the rollout's start.
    private(set) var time = 0.0
    /// The device's place.
    private(set) var device = 0
    /// Which columns nobody reads.
    let warnings: [String]

    private var reader: CSVReader
    private let header: TableHeader
    private let timeColumn: Int
    private let deviceColumn: Int
    private let numberColumns: [Int]

    /// Opens a file and reads which columns it has.
    ///
    /// - Throws: ``TraceFault`` where they do not make sense.
    init(_ source: any ByteSource, file: String, bufferBytes: Int = 1 << 18) throws(TraceFault) {
        var reader = try CSVReader(source, file: file, bufferBytes: bufferBytes)
        let header = try TableHeader(&reader)
        let columns = MeasurementColumns(header: header.names)
        timeColumn = try header.required("time")
        deviceColumn = try header.required("device")
        _ = try header.required("requests")
        _ = try header.required("failures")
        let named = [timeColumn, deviceColumn]
        warnings = header.warnings { named.contains($0) || columns.isMeasured[$0] }
        numbers = [Double](repeating: .nan, count: header.names.count)
        numberColumns = header.names.indices.filter { columns.isMeasured[$0] }
        self.reader = reader
        self.header = header
        self.columns = columns
    }

    /// Bytes read so far.
    var readBytes: Int { reader.readBytes }

    /// The column of the time, counted from 1.
    var timePlace: Int { timeColumn + 1 }

    /// A fault on the row's line.
    func fault(_ text: String) -> TraceFault { reader.fault(text) }

    /// Goes on to the next row; false at the end.
    ///
    /// - Throws: ``TraceFault`` for a row that makes no sense.
    mutating func next(_ devices: DeviceIndex) throws(TraceFault) -> Bool {
        guard try reader.next() else { return false }
        try header.check(reader)
        guard let time = try reader.optionalNumber(timeColumn, of: header) else {
            throw reader.fault("time is empty; write seconds since the rollout's start")
        }
        self.time = time
        guard let place = devices.place(of: reader.fields[deviceColumn], in: reader.buffer) else {
            throw reader.fault(
                "device \"\(reader.text(deviceColumn))\" is not in devices.csv; add it there (arm outside where it "
                    + "enrolled after the draws)")
        }
        device = place
        for column in numberColumns { numbers[column] = try reader.optionalNumber(column, of: header) ?? .nan }
        if let fault = columns.fault(numbers, areWhole: true) { throw reader.fault(fault) }
        return true
    }

    /// The row, of a device that may be judged.
    var row: RecordedRow {
        RecordedRow(device: device, measurements: columns.measurements(numbers, at: 0), receivedAt: time)
    }
}

internal import CanaryAnalysis
internal import RecordedFleets

/// The rows of a file that is not sorted by time, kept compactly until all are read.
struct RowStore {
    private var times: [Double] = []
    private var devices: [Int32] = []
    private var numbers: [Double] = []
    private let columns: MeasurementColumns
    private let width: Int

    /// The most memory for rows, in bytes.
    static let limitBytes = 1 << 30

    /// Reads all rows of a file.
    ///
    /// - Throws: ``TraceFault`` for a row that makes no sense, or where the rows take more memory than allowed.
    init(
        _ file: inout ObservationFile, _ index: DeviceIndex, limitBytes: Int = Self.limitBytes
    ) throws(TraceFault) {
        columns = file.columns
        width = file.numbers.count
        // A time, a place, the numbers, and what sorting takes.
        let rowBytes = 8 + 4 + 8 * width + 16
        while try file.next(index) {
            guard (times.count + 1) * rowBytes <= limitBytes else { throw Self.tooLarge(file, limitBytes) }
            times.append(file.time)
            devices.append(Int32(file.device))
            numbers += file.numbers
        }
    }

    private static func tooLarge(_ file: ObservationFile, _ limit: Int) -> TraceFault {
        file.fault(
            "the rows are not sorted by time and take more than \(limit >> 20) MiB of memory; sort the file: "
                + "(head -n 1 FILE; tail -n +2 FILE | LC_ALL=C sort -s -t, -k\(file.timePlace),\(file.timePlace)g) "
                + "> SORTED")
    }

    /// How many rows there are.
    var count: Int { times.count }

    /// Calls a function with each row by time; rows of the same time stay in their order.
    func forEachByTime(_ take: (Double, RecordedRow) throws(TraceFault) -> Void) throws(TraceFault) {
        let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
        for place in order {
            let measured = columns.measurements(numbers, at: place * width)
            try take(
                times[place],
                RecordedRow(device: Int(devices[place]), measurements: measured, receivedAt: times[place]))
        }
    }
}

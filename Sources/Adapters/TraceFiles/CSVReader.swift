/// Reads comma-separated records one by one, in a buffer that is filled again and again (RFC 4180).
///
/// Fields may be quoted; spaces around them, blank lines, CRLF and a byte order mark are let through.
struct CSVReader {
    /// The file's name for faults.
    let file: String
    /// The bytes that ``fields`` refer to; they change with every record.
    private(set) var buffer: [UInt8]
    /// The places of the record's fields in the buffer, without spaces and quotes around them.
    private(set) var fields: [Range<Int>] = []
    /// The line on which the record begins, counted from 1.
    private(set) var line = 0
    /// Bytes taken from the source so far.
    private(set) var readBytes = 0

    /// The longest record, in bytes.
    static let recordLimit = 1 << 20

    private let source: any ByteSource
    private var start = 0
    private var end = 0
    private var nextLine = 1
    private var isAtEnd = false

    /// Starts reading; the buffer grows up to the longest record where it must.
    init(_ source: any ByteSource, file: String, bufferBytes: Int = 1 << 18) throws(TraceFault) {
        self.source = source
        self.file = file
        buffer = [UInt8](repeating: 0, count: max(16, bufferBytes))
        while !isAtEnd, end < 3 { try fill() }
        if end >= 3, buffer[0] == 0xEF, buffer[1] == 0xBB, buffer[2] == 0xBF { start = 3 }
    }

    /// Goes on to the next record that is not blank; false at the end.
    ///
    /// - Throws: ``TraceFault`` where the source fails, a quote is not closed or a record is too long.
    mutating func next() throws(TraceFault) -> Bool {
        while true {
            switch scan() {
            case .record where fields.count == 1 && fields[0].isEmpty: continue
            case .record: return true
            case .nothing: return false
            case .isOpen:
                throw TraceFault(file: file, line: nextLine, fault: "a quote is not closed; close it or double it")
            case .needsMore:
                guard end - start < Self.recordLimit else {
                    throw TraceFault(
                        file: file, line: nextLine,
                        fault: "the record is longer than 1 MiB; is a quote not closed, or is this no CSV file?")
                }
                try fill()
            }
        }
    }

    /// The text of a field of this record.
    func text(_ field: Int) -> String { String(decoding: buffer[fields[field]], as: UTF8.self) }

    /// A fault on this record's line.
    func fault(_ text: String) -> TraceFault { TraceFault(file: file, line: line, fault: text) }

    // MARK: - Scanning

    private enum Scan { case record, needsMore, isOpen, nothing }

    private static let quote = UInt8(ascii: "\"")

    /// Finds the end of the record and its fields.
    private mutating func scan() -> Scan {
        fields.removeAll(keepingCapacity: true)
        guard start < end else { return isAtEnd ? .nothing : .needsMore }
        var place = start
        var fieldStart = start
        var isQuoted = false
        var newlines = 0
        while place < end {
            let byte = buffer[place]
            if byte == Self.quote {
                if !isQuoted {
                    isQuoted = place == fieldStart
                } else if place + 1 == end, !isAtEnd {
                    return .needsMore
                } else if place + 1 < end, buffer[place + 1] == Self.quote {
                    place += 1
                } else {
                    isQuoted = false
                }
            } else if isQuoted {
                if byte == 0x0A { newlines += 1 }
            } else if byte == UInt8(ascii: ",") {
                fields.append(fieldStart..<place)
                fieldStart = place + 1
            } else if byte == 0x0A {
                take(fieldStart..<place, next: place + 1, newlines: newlines + 1)
                return .record
            }
            place += 1
        }
        guard isAtEnd else { return .needsMore }
        guard !isQuoted else { return .isOpen }
        take(fieldStart..<end, next: end, newlines: newlines)
        return .record
    }

    private mutating func take(_ last: Range<Int>, next: Int, newlines: Int) {
        fields.append(last)
        for index in fields.indices { fields[index] = bare(fields[index]) }
        start = next
        line = nextLine
        nextLine += newlines
    }

    /// A field without spaces and quotes around it; doubled quotes are made single in the buffer.
    private mutating func bare(_ field: Range<Int>) -> Range<Int> {
        var (low, high) = (field.lowerBound, field.upperBound)
        while low < high, buffer[high - 1] <= 0x20 { high -= 1 }
        while low < high, buffer[low] <= 0x20 { low += 1 }
        guard high - low >= 2, buffer[low] == Self.quote, buffer[high - 1] == Self.quote else { return low..<high }
        var (from, to) = (low + 1, low + 1)
        while from < high - 1 {
            buffer[to] = buffer[from]
            from += buffer[from] == Self.quote && from + 1 < high - 1 && buffer[from + 1] == Self.quote ? 2 : 1
            to += 1
        }
        return (low + 1)..<to
    }

    /// Moves what is unread to the front and reads more behind it.
    private mutating func fill() throws(TraceFault) {
        if start > 0 {
            for place in start..<end { buffer[place - start] = buffer[place] }
            end -= start
            start = 0
        }
        if end == buffer.count { buffer += [UInt8](repeating: 0, count: buffer.count) }
        let count = try source.read(into: &buffer, from: end)
        end += count
        readBytes += count
        isAtEnd = count == 0
    }
}

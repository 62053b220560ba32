import Testing

@testable import TraceFiles

@Suite struct CSVReaderTests {
    /// The records of a text with the lines on which they begin.
    private func records(_ text: String, portion: Int = 7, bufferBytes: Int = 16) throws -> [[String]] {
        var reader = try CSVReader(MemoryBytes(text, portion: portion), file: "a.csv", bufferBytes: bufferBytes)
        var records: [[String]] = []
        while try reader.next() { records.append(["\(reader.line)"] + reader.fields.indices.map { reader.text($0) }) }
        return records
    }

    @Test(
        "records are read, whatever ends their lines and stands around their fields",
        arguments: [
            ("a,b\n1,2\n", [["1", "a", "b"], ["2", "1", "2"]]),
            ("a,b\r\n1,2\r\n", [["1", "a", "b"], ["2", "1", "2"]]),
            ("a,b\n1,2", [["1", "a", "b"], ["2", "1", "2"]]),
            ("\u{FEFF}a,b\n", [["1", "a", "b"]]),
            ("\n\na , b\n\n\n1,\t2 \n", [["3", "a", "b"], ["6", "1", "2"]]),
            ("\"a,b\",\"c\"\"d\"\n", [["1", "a,b", "c\"d"]]),
            ("\"a\nb\",c\nd,e\n", [["1", "a\nb", "c"], ["3", "d", "e"]]),
            ("a\"b,c\n", [["1", "a\"b", "c"]]),
            ("\"\",\n", [["1", "", ""]]),
            ("\"\"\"\"\n", [["1", "\""]]),
            (",,\n", [["1", "", "", ""]]),
            ("", []), ("\n", []), ("\u{FEFF}", []),
        ])
    func reading(text: String, expected: [[String]]) throws {
        for portion in [1, 2, 3, 7, 100] {
            #expect(try records(text, portion: portion) == expected, "\(portion) bytes at a time")
        }
    }

    @Test("a quote that is not closed is named by the line of its record")
    func openQuote() throws {
        let fault = try #require(#expect(throws: TraceFault.self) { try records("a\n\"b\nc\n") })
        #expect(fault.description.hasPrefix("a.csv:2: a quote is not closed"))
    }

    @Test("a record longer than the limit is refused instead of held")
    func tooLong() throws {
        let text = "a\n" + String(repeating: "b", count: CSVReader.recordLimit + 10)
        let fault = try #require(#expect(throws: TraceFault.self) { try records(text, portion: 1 << 16) })
        #expect(fault.line == 2 && fault.fault.contains("1 MiB"))
    }

    @Test(
        "numbers are read as the standard library reads them, and nothing else is a number",
        arguments: [
            "0", "12", "-7", "+3", "0.1", "1.25", "3.", ".5", "1e3", "-2.5E-3", "123456789012345678901",
            "9007199254740993",
            "0.30000000000000004", "1.7976931348623157e308", "00012", "4503599627370497.5",
        ])
    func numbers(text: String) {
        let bytes = Array("x\(text)y".utf8)
        let known = Double(text) ?? Double(text.hasSuffix(".") ? text + "0" : "0" + text)
        #expect(bytes.number(at: 1..<(bytes.count - 1)) == known)
    }

    @Test(
        "what is no number is none",
        arguments: ["", "-", ".", "a", "1a", "0x10", "nan", "inf", "1e999", "1 2", "1,2", "--1", "1.2.3", "1e"])
    func noNumbers(text: String) {
        let bytes = Array(text.utf8)
        #expect(bytes.number(at: 0..<bytes.count) == nil)
    }

    @Test("devices are found by their bytes, known ones are not added again")
    func index() {
        var index = DeviceIndex()
        for number in 0..<5_000 {
            let bytes = Array("device-\(number)".utf8)
            #expect(index.place(of: 0..<bytes.count, in: bytes) == nil)
            let isNew = index.insert(0..<bytes.count, in: bytes)
            #expect(isNew)
        }
        for number in stride(from: 0, to: 5_000, by: 7) {
            let bytes = Array("xdevice-\(number)".utf8)
            #expect(index.place(of: 1..<bytes.count, in: bytes) == number)
            let isNew = index.insert(1..<bytes.count, in: bytes)
            #expect(!isNew)
        }
    }
}

import Testing

@testable import CanaryAnalysis

@Suite struct NarrowColumnTests {
    @Test(
        "numbers come out as they were put in, in as few bytes as hold them",
        arguments: [
            ([0, 1, 255], 1), ([0, 256], 2), ([65_535], 2), ([65_536], 4), ([-1, 3], 4), ([0.5, 1], 4), ([255.5], 4),
            ([.infinity], 4), ([], 1),
        ] as [([Float], Int)])
    func narrow(_ values: [Float], bytes: Int) {
        let column = NarrowColumn(values)
        #expect(column.values == values)
        switch column {
        case .bytes: #expect(bytes == 1)
        case .words: #expect(bytes == 2)
        case .floats: #expect(bytes == 4)
        }
    }
}

import Foundation
import Testing

@testable import edge_fleet

@Suite struct KeptRunsTests {
    private struct Run: Codable, Equatable {
        let minutes: Double?
        let rows: [Int]
    }

    private let path = NSTemporaryDirectory() + "kept-\(UUID().uuidString)/runs.jsonl"
    private let one = Run(minutes: 4.5, rows: [1, 2, 3])
    private let two = Run(minutes: nil, rows: [])

    /// What is in the file now.
    private func bytes() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    @Test func `what was kept is found again, by its whole name alone`() throws {
        let kept = try KeptRuns(path)
        #expect(kept.result("equal 1 0") as Run? == nil)
        kept.keep(one, of: "equal 1 0")
        kept.keep(two, of: "equal 1 1")
        let again = try KeptRuns(path)
        #expect(again.result("equal 1 0") == one)
        #expect(again.result("equal 1 1") == two)
        #expect(again.result("equal 1 10") as Run? == nil)
        #expect(again.result("equal 2 0") as Run? == nil)
    }

    @Test func `wherever the file was cut, whole runs are found and the cut one is made again`() throws {
        let kept = try KeptRuns(path)
        kept.keep(one, of: "equal 1 0")
        let first = try bytes().count
        kept.keep(two, of: "equal 1 1")
        let whole = try bytes()
        for length in first..<whole.count {
            try whole.prefix(length).write(to: URL(fileURLWithPath: path))
            let cut = try KeptRuns(path)
            #expect(cut.result("equal 1 0") == one)
            // Only the end of its line is missing in the last of these.
            #expect(cut.result("equal 1 1") == (length == whole.count - 1 ? two : Run?.none))
            cut.keep(two, of: "equal 1 1")
            cut.keep(one, of: "equal 1 2")
            let mended = try KeptRuns(path)
            #expect(mended.result("equal 1 1") == two)
            #expect(mended.result("equal 1 2") == one)
        }
    }

    @Test func `a run of another form, of an older program for instance, is not found`() throws {
        struct Older: Codable { let hours: Int }
        let kept = try KeptRuns(path)
        kept.keep(Older(hours: 3), of: "equal 1 0")
        #expect(try KeptRuns(path).result("equal 1 0") as Run? == nil)
    }

    @Test func `threads that keep at once do not mix their lines`() throws {
        let kept = try KeptRuns(path)
        DispatchQueue.concurrentPerform(iterations: 400) { number in
            kept.keep(Run(minutes: nil, rows: Array(repeating: number, count: 50)), of: "equal 1 \(number)")
        }
        let again = try KeptRuns(path)
        for number in 0..<400 {
            #expect(again.result("equal 1 \(number)") == Run(minutes: nil, rows: Array(repeating: number, count: 50)))
        }
    }
}

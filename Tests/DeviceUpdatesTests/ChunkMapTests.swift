import Testing

@testable import DeviceUpdates

@Suite struct ChunkMapTests {
    private func map() -> ChunkMap { ChunkMap(sizeBytes: 250, chunkBytes: 100) }

    @Test("pieces cover the file, and the last one is what is left")
    func pieces() {
        let map = map()
        #expect(map.count == 3)
        #expect(map.bytes(of: 2) == 200..<250)
        #expect(map.missing == 0..<250)
        #expect(!map.isComplete)
    }

    @Test("a piece counts when it is all there and right; one that is wrong is asked for again, alone")
    func wrongPiece() {
        var map = map()
        for chunk in 0..<3 {
            let isWhole1 = map.stored(map.bytes(of: chunk))
            #expect(isWhole1)
            map.checked(chunk, isRight: chunk != 1)
        }
        #expect(map.missing == 100..<200)
        #expect(map.heldBytes == 150)
        let isWhole2 = map.stored(100..<200)
        #expect(isWhole2)
        map.checked(1, isRight: true)
        #expect(map.missing == nil)
        #expect(map.isComplete)
    }

    @Test("the longest run of missing pieces comes first")
    func longest() {
        var map = ChunkMap(sizeBytes: 600, chunkBytes: 100)
        map.checked(1, isRight: true)
        #expect(map.missing == 200..<600)
        map.checked(3, isRight: true)
        #expect(map.missing == 400..<600)
        map.checked(5, isRight: true)
        #expect(map.missing == 0..<100)
    }

    @Test("what broke off is asked for from where it broke off")
    func resumed() {
        var map = map()
        let isWhole3 = map.stored(0..<40)
        #expect(!isWhole3)
        #expect(map.missing == 40..<250)
        #expect(map.heldBytes == 40)
        let isWhole4 = map.stored(40..<100)
        #expect(isWhole4)
    }

    @Test("bytes behind a gap are not counted, and bytes that come twice count once")
    func gaps() {
        var map = map()
        let isWhole5 = map.stored(50..<100)
        #expect(!isWhole5)
        #expect(map.missing == 0..<250)
        let isWhole6 = map.stored(0..<60)
        #expect(!isWhole6)
        let isWhole7 = map.stored(0..<30)
        #expect(!isWhole7)
        #expect(map.missing == 60..<250)
    }

    @Test(
        "a time of the day may reach over midnight",
        arguments: [
            ("22:00-06:00", 23, true), ("22:00-06:00", 5, true), ("22:00-06:00", 6, false), ("08:30-09:30", 9, true),
            ("08:30-09:30", 8, false), ("00:00-23:59", 12, true),
        ])
    func window(text: String, hour: Int, isInside: Bool) throws {
        let window = try #require(DailyWindow(text))
        #expect(window.contains(hour * 3600) == isInside)
        #expect(window.description == text)
    }

    @Test(
        "what is no time of the day is refused",
        arguments: [
            "", "22:00", "22:00-", "24:00-06:00", "22:60-06:00", "6:00-7:00", "06:00-06:00", "22:00-06:00-07:00",
            "ab:cd-ef:gh",
        ])
    func noWindow(text: String) {
        #expect(DailyWindow(text) == nil)
    }
}

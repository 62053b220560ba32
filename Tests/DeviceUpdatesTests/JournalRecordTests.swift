import Fleet
import Testing

@testable import DeviceUpdates

@Suite struct JournalRecordTests {
    private let endings: [Ending] = [
        .succeeded, .restored, .rejected(.quarantined), .failed(smokeFailure), .fellBack(.contactLost),
        .stranded(Failure(step: .rollback, reason: .rollbackFailed)),
    ]

    @Test("every state comes back as it was written")
    func roundTrip() throws {
        let states =
            everyState + endings.map { .ending(restore, $0) } + [
                .rollingBack(keep, smokeFailure, tries: 1), .deploying(reinstall),
            ]
        for state in states {
            let record = JournalRecord(sequence: 7, state: state, accepted: 9, reportSequence: 11)
            #expect(record.encoded.count == 512)
            #expect(JournalRecord(encoded: record.encoded) == record)
        }
    }

    @Test("every reason fits its field")
    func reasons() {
        for reason in FailureReason.allCases {
            let state = UpdateState.ending(install, .failed(Failure(step: .probation, reason: reason)))
            let record = JournalRecord(sequence: 1, state: state, accepted: 1)
            #expect(JournalRecord(encoded: record.encoded)?.state == state)
        }
    }

    @Test("a record with any byte changed is no record")
    func damage() {
        let encoded = JournalRecord(sequence: 7, state: .deploying(install), accepted: 9).encoded
        for index in encoded.indices {
            var damaged = encoded
            damaged[index] ^= 0x10
            #expect(JournalRecord(encoded: damaged) == nil, "byte \(index)")
        }
    }

    @Test("a torn record is no record", arguments: [0, 1, 4, 100, 256, 511])
    func torn(length: Int) {
        let old = JournalRecord(sequence: 6, state: .idle, accepted: 9).encoded
        let new = JournalRecord(sequence: 8, state: .deploying(install), accepted: 9).encoded
        #expect(JournalRecord(encoded: Array(new.prefix(length))) == nil)
        let mixed = Array(new.prefix(length)) + old.dropFirst(length)
        let read = JournalRecord(encoded: mixed)
        #expect(read == nil || read?.sequence == 6)
    }

    @Test("of two valid records the larger sequence holds, of one the valid one")
    func newest() {
        let older = JournalRecord(sequence: 6, state: .idle, accepted: 9)
        let newer = JournalRecord(sequence: 7, state: .safe, accepted: 9)
        #expect(JournalRecord.newest(older.encoded, newer.encoded) == newer)
        #expect(JournalRecord.newest(newer.encoded, older.encoded) == newer)
        #expect(JournalRecord.newest(Array(newer.encoded.dropLast()), older.encoded) == older)
        #expect(JournalRecord.newest(nil, nil) == nil)
    }
}

@Suite struct CRC32CTests {
    @Test("the published examples (RFC 3720, B.4)")
    func vectors() {
        #expect(CRC32C.checksum(Array(repeating: UInt8(0), count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum(Array(repeating: UInt8(0xFF), count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    }
}

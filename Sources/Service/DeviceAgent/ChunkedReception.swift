import DeviceUpdates
import Fleet
import ModelTrust
import WireFormat

/// One file on its way in pieces that are checked one by one; touched by the fetching thread only.
///
/// What is there is found out from the bytes themselves, so that a start after a power cut needs no book of them and
/// a damaged piece is fetched again like one that never came.
final class ChunkedReception {
    /// Answers with the whole file where a part was asked for that are refused before one is taken.
    static let wholeAnswerLimit = 2

    /// More wrong pieces in one answer than this are no accidents: the answer is of something else.
    static let wrongInAnswerLimit = 1

    private let files: any DurableFiles
    private let killSwitch: any KillSwitch
    private let part: String
    private let digests: [Digest]
    private var map: ChunkMap
    private var offset: UInt64 = 0
    private var buffer: [UInt8] = []
    private var wrongInARow: [Int: Int] = [:]
    private var wholeAnswers = 0
    private var wrongInAnswer = 0
    /// Bytes that came, whatever they were worth.
    private(set) var receivedBytes: UInt64 = 0

    init(_ file: VersionFile, _ digests: [Digest], chunkBytes: UInt64, services: AgentServices) {
        files = services.files
        killSwitch = services.killSwitch
        part = StateLayout.part(file.digest)
        self.digests = digests
        map = ChunkMap(sizeBytes: file.sizeBytes, chunkBytes: chunkBytes)
    }

    /// Finds out which pieces are there already.
    func examine(unless isInterrupted: () -> Bool) throws {
        guard let facts = try files.facts(part) else { return }
        for chunk in 0..<map.count where map.bytes(of: chunk).upperBound <= facts.sizeBytes {
            if isInterrupted() { throw StepFault.interrupted }
            map.checked(chunk, isRight: try files.digest(part, in: map.bytes(of: chunk)) == digests[chunk])
        }
    }

    /// What is to be asked for next; nil when every piece is right.
    var missing: Range<UInt64>? { map.missing }

    /// How much need not be fetched again.
    var heldBytes: UInt64 { map.heldBytes }

    /// How often in a row the piece that was wrong most often was wrong.
    var wrongInARowMost: Int { wrongInARow.values.max() ?? 0 }

    /// An answer begins, at an offset, where another may have been asked for.
    func begins(at offset: UInt64, asked: UInt64) throws(ControllerFault) {
        wrongInAnswer = 0
        guard offset != asked else { return }
        wholeAnswers += 1
        guard offset == 0, wholeAnswers > Self.wholeAnswerLimit else {
            throw .unavailable("it answered from byte \(offset) on where \(asked) was asked for")
        }
    }

    /// Takes in what came.
    func take(_ bytes: [UInt8], at start: UInt64) throws {
        receivedBytes += UInt64(bytes.count)
        guard start + UInt64(bytes.count) <= map.sizeBytes else {
            throw ControllerFault.unavailable("it sent more than the \(map.sizeBytes) bytes of the file")
        }
        var rest = bytes[...]
        var position = start
        while !rest.isEmpty {
            let chunk = map.chunk(at: position)
            let end = map.bytes(of: chunk).upperBound
            let count = min(rest.count, Int(end - position))
            if !map.isGood(chunk) { try collect(rest.prefix(count), at: position, end: end) }
            position += UInt64(count)
            rest = rest.dropFirst(count)
        }
    }

    /// Pieces are written in parts of a quarter MiB, and at their ends.
    private func collect(_ bytes: ArraySlice<UInt8>, at position: UInt64, end: UInt64) throws {
        if position != offset + UInt64(buffer.count) {
            try flush()
            offset = position
        }
        buffer += bytes
        if buffer.count >= Downloader.pieceBytes || offset + UInt64(buffer.count) == end { try flush() }
    }

    /// Writes what was collected, and checks the piece when that completes it.
    func flush() throws {
        guard !buffer.isEmpty else { return }
        try files.patch(part, buffer, at: offset)
        killSwitch.reached(.downloadPiece)
        let written = offset..<offset + UInt64(buffer.count)
        offset = written.upperBound
        buffer.removeAll(keepingCapacity: true)
        guard map.stored(written) else { return }
        let chunk = map.chunk(at: written.lowerBound)
        let isRight = try files.digest(part, in: map.bytes(of: chunk)) == digests[chunk]
        map.checked(chunk, isRight: isRight)
        guard !isRight else {
            wrongInARow[chunk] = nil
            return
        }
        wrongInARow[chunk] = (wrongInARow[chunk] ?? 0) + 1
        wrongInAnswer += 1
        guard wrongInAnswer <= Self.wrongInAnswerLimit else {
            throw ControllerFault.unavailable("piece after piece of the answer is not what was signed")
        }
    }
}

import Fleet

extension JournalRecord {
    /// The size of every encoded record: one disk sector, so that a write of it is mostly whole or not at all.
    public static let encodedBytes = 512

    private static let magic: [UInt8] = Array("EOJ1".utf8)

    /// The record as 512 bytes: magic, fields in little-endian order, zeros, CRC-32C of all before it.
    public var encoded: [UInt8] {
        var writer = FieldWriter(bytes: Self.magic)
        writer.append(sequence)
        writer.append(accepted)
        writer.append(reportSequence)
        write(state, into: &writer)
        var bytes = writer.bytes
        bytes.append(contentsOf: repeatElement(0, count: Self.encodedBytes - 4 - bytes.count))
        var tail = FieldWriter(bytes: bytes)
        tail.append(CRC32C.checksum(bytes))
        return tail.bytes
    }

    /// Reads a record; nil where the length, the magic, the checksum or a field is wrong.
    public init?(encoded bytes: [UInt8]) {
        guard bytes.count == Self.encodedBytes, Array(bytes.prefix(4)) == Self.magic else { return nil }
        var tail = FieldReader(bytes: bytes[(bytes.count - 4)...])
        guard tail.integer(UInt32.self) == CRC32C.checksum(bytes.dropLast(4)) else { return nil }
        var reader = FieldReader(bytes: bytes.dropFirst(4))
        guard let sequence = reader.integer(UInt64.self), let accepted = reader.integer(UInt64.self),
            let reportSequence = reader.integer(UInt64.self), let state = Self.readState(&reader)
        else { return nil }
        self.init(sequence: sequence, state: state, accepted: accepted, reportSequence: reportSequence)
    }

    // MARK: States

    private func write(_ state: UpdateState, into writer: inout FieldWriter) {
        writer.append(StateCode(state).rawValue)
        guard let attempt = state.attempt else { return }
        writer.append(attempt)
        switch state {
        case .rollingBack(_, let failure, let tries):
            writer.append(tries)
            writer.append(failure)
        case .ending(_, let ending):
            writer.append(EndingCode(ending).rawValue)
            writer.append(ending.failure ?? Failure(step: .report, reason: .superseded))
        case .idle, .safe, .checking, .downloading, .verifying, .backingUp, .deploying, .smokeTesting, .onProbation:
            break
        }
    }

    private static func readState(_ reader: inout FieldReader) -> UpdateState? {
        guard let code = reader.integer(UInt8.self).flatMap(StateCode.init(rawValue:)) else { return nil }
        if code == .idle { return .idle }
        if code == .safe { return .safe }
        guard let attempt = reader.attempt() else { return nil }
        switch code {
        case .idle: return .idle
        case .safe: return .safe
        case .checking: return .checking(attempt)
        case .downloading: return .downloading(attempt)
        case .verifying: return .verifying(attempt)
        case .backingUp: return .backingUp(attempt)
        case .deploying: return .deploying(attempt)
        case .smokeTesting: return .smokeTesting(attempt)
        case .onProbation: return .onProbation(attempt)
        case .rollingBack:
            guard let tries = reader.integer(UInt8.self), let failure = reader.failure() else { return nil }
            return .rollingBack(attempt, failure, tries: tries)
        case .ending:
            guard let ending = reader.integer(UInt8.self).flatMap(EndingCode.init(rawValue:)),
                let failure = reader.failure()
            else { return nil }
            return .ending(attempt, ending.ending(failure))
        }
    }
}

/// The byte that stands for a state.
private enum StateCode: UInt8 {
    case idle = 0, checking, downloading, verifying, backingUp, deploying, smokeTesting, onProbation, rollingBack
    case ending, safe

    init(_ state: UpdateState) {
        switch state {
        case .idle: self = .idle
        case .checking: self = .checking
        case .downloading: self = .downloading
        case .verifying: self = .verifying
        case .backingUp: self = .backingUp
        case .deploying: self = .deploying
        case .smokeTesting: self = .smokeTesting
        case .onProbation: self = .onProbation
        case .rollingBack: self = .rollingBack
        case .ending: self = .ending
        case .safe: self = .safe
        }
    }
}

/// The byte that stands for an ending.
private enum EndingCode: UInt8 {
    case succeeded = 0, restored, rejected, failed, fellBack, stranded

    init(_ ending: Ending) {
        switch ending {
        case .succeeded: self = .succeeded
        case .restored: self = .restored
        case .rejected: self = .rejected
        case .failed: self = .failed
        case .fellBack: self = .fellBack
        case .stranded: self = .stranded
        }
    }

    func ending(_ failure: Failure) -> Ending {
        switch self {
        case .succeeded: .succeeded
        case .restored: .restored
        case .rejected: .rejected(failure.reason)
        case .failed: .failed(failure)
        case .fellBack: .fellBack(failure.reason)
        case .stranded: .stranded(failure)
        }
    }
}

extension Ending {
    /// Step and reason as the journal keeps them.
    fileprivate var failure: Failure? {
        switch self {
        case .succeeded, .restored: nil
        case .rejected(let reason): Failure(step: .check, reason: reason)
        case .fellBack(let reason): Failure(step: .rollback, reason: reason)
        case .failed(let failure), .stranded(let failure): failure
        }
    }
}

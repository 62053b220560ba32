import DeviceUpdates
import Fleet
import ModelTrust
import WireFormat

/// Why a step was not done.
enum StepFault: Error {
    /// It cannot be done.
    case failed(FailureReason, String)
    /// A newer assignment or a stop came in between.
    case interrupted
}

/// Fetches files into the store: resumed where they broke off, checked, retried with growing pauses.
///
/// A controller that is away costs only time: nothing about the version is wrong, so its absence must not count as a
/// failed update. Tries are for answers that are no good, and only as long as they bring nothing new.
struct Downloader {
    /// Bytes collected before they are written.
    static let pieceBytes = 256 << 10

    /// How often it is looked whether files may be fetched again, seconds.
    static let windowLookSeconds = 10.0
    /// A controller's wish to be left alone is followed for so long, seconds.
    static let longestRetryAfterSeconds = 3600.0
    /// How long a controller may be away, seconds: as long as a version that was never promoted may go without it.
    static let longestAbsenceSeconds = OfflineFallback.limitSeconds

    let services: AgentServices
    /// Tries in a row that bring nothing, per file.
    let tries: Int
    /// When files may be fetched; nil for always.
    var window: DailyWindow?
    let isInterrupted: () -> Bool

    /// Fetches what is not in the store yet, and returns how many bytes were fetched.
    func fetch(_ wanted: [VersionFile]) throws(StepFault) -> UInt64 {
        do {
            // The list of pieces first: the other files are checked by it on their way.
            let list = wanted.first { $0.path == ArtifactPath.chunks.rawValue }
            var fetched = try list.map { try fetch($0, in: nil) } ?? 0
            let chunks = try list.flatMap { try chunkList($0) }
            for file in wanted { fetched += try fetch(file, in: chunks) }
            return fetched
        } catch let fault as StepFault {
            throw fault
        } catch {
            throw StepFault(storage: error)
        }
    }

    /// A list that cannot be read costs only that files are checked as wholes.
    private func chunkList(_ file: VersionFile) throws(StorageFault) -> ChunkList? {
        guard let bytes = try services.files.read(StateLayout.blob(file.digest)) else { return nil }
        do {
            return try ChunkList(parsing: bytes)
        } catch {
            services.log.warning("chunk_list_unreadable", ["why": "\(error)"])
            return nil
        }
    }

    /// What a call to the controller answers, with the same patience.
    ///
    /// - Parameter have: how much is there already; more of it than ever before makes the tries count from the start.
    func patiently<Value>(
        _ what: String, have: () throws -> UInt64 = { 0 }, _ call: () throws -> Value
    ) throws(StepFault) -> Value {
        var backoff = Backoff(firstSeconds: 1, limitSeconds: 60)
        var (failures, most) = (0, UInt64(0))
        var awaySince: Double?
        while true {
            do {
                return try call()
            } catch let fault as StepFault {
                throw fault
            } catch let fault as StorageFault {
                throw StepFault(storage: fault)
            } catch is WindowClosed {
                continue
            } catch {
                if isInterrupted() { throw .interrupted }
                if case ControllerFault.refused = error { throw .failed(.downloadFailed, "\(what): \(error)") }
                if let now = try? have(), now > most {
                    most = now
                    failures = 0
                    awaySince = nil
                    backoff.succeeded()
                }
                let isHopeless: Bool
                if error.isAbsence {
                    let since = awaySince ?? services.clock.uptimeSeconds
                    awaySince = since
                    isHopeless = services.clock.uptimeSeconds - since > Self.longestAbsenceSeconds
                } else {
                    awaySince = nil
                    failures += 1
                    isHopeless = failures >= tries
                }
                guard !isHopeless else { throw .failed(.downloadFailed, "\(what): \(error)") }
                services.log.warning("fetch_retried", ["what": what, "error": "\(error)"])
                let wish = min(error.retryAfterSeconds, Self.longestRetryAfterSeconds)
                try pause(max(0.1, wish, backoff.failed(chance: services.chance.next())))
            }
        }
    }

    private func fetch(_ file: VersionFile, in chunks: ChunkList?) throws -> UInt64 {
        let files = services.files
        guard try files.facts(StateLayout.blob(file.digest)) == nil else { return 0 }
        let part = StateLayout.part(file.digest)
        // A part that is whole may be read-only already: an agent that was ended then must not fail at it.
        let have = try files.facts(part)?.sizeBytes ?? 0
        if have > file.sizeBytes { try files.remove(part) }
        if have < file.sizeBytes { try files.reserve(part, sizeBytes: file.sizeBytes) }
        var fetched: UInt64 = 0
        for round in 0...1 {
            if round == 0, let chunks, let path = try? ArtifactPath(file.path),
                let digests = chunks.digests(of: path, sizeBytes: file.sizeBytes)
            {
                let reception = ChunkedReception(file, digests, chunkBytes: chunks.chunkBytes, services: services)
                try receive(file, by: reception)
                fetched += reception.receivedBytes
            } else {
                try patiently("file \(file.path)", have: { try files.facts(part)?.sizeBytes ?? 0 }) {
                    fetched += try receive(file, into: part)
                }
            }
            try files.sync(part)
            if try files.digest(part) == file.digest { break }
            // What was left by a power cut may be damaged: once more from the start, and then it is the sender's fault.
            try files.remove(part)
            guard round == 0 else {
                throw StepFault.failed(.hashMismatch, "\(file.path) is not what was signed (\(file.digest.short))")
            }
        }
        services.killSwitch.reached(.downloadFile)
        try files.makeReadOnly(part)
        try files.makeDirectories(Path.parent(of: StateLayout.blob(file.digest)))
        try files.rename(part, to: StateLayout.blob(file.digest))
        try files.syncDirectory(Path.parent(of: StateLayout.blob(file.digest)))
        try files.syncDirectory(StateLayout.staging)
        return fetched
    }

    /// Every piece that is missing, in as few requests as it takes.
    private func receive(_ file: VersionFile, by reception: ChunkedReception) throws {
        try reception.examine(unless: isInterrupted)
        try patiently("file \(file.path)", have: { reception.heldBytes }) {
            while let missing = reception.missing {
                try awaitWindow()
                var hasBegun = false
                do {
                    try services.controller.artifact(file.digest, bytes: missing, of: file.sizeBytes) { offset, bytes in
                        try goOn()
                        if !hasBegun { try reception.begins(at: offset, asked: missing.lowerBound) }
                        hasBegun = true
                        try reception.take(bytes, at: offset)
                    }
                } catch {
                    // What came before the break is kept: the next try resumes behind it.
                    if !(error is StorageFault) { try reception.flush() }
                    try requireHope(reception, file)
                    throw error
                }
                try reception.flush()
                try requireHope(reception, file)
                if let left = reception.missing, left.overlaps(missing) {
                    throw ControllerFault.unavailable("bytes \(left) are missing or not what was signed")
                }
            }
        }
    }

    /// A piece that is wrong in every try is the sender's fault, and no accident on the way.
    private func requireHope(_ reception: ChunkedReception, _ file: VersionFile) throws(StepFault) {
        guard reception.wrongInARowMost >= tries else { return }
        throw .failed(.hashMismatch, "a piece of \(file.path) is again and again not the signed one")
    }

    /// One request; returns what it brought, and throws unless the file is complete then.
    private func receive(_ file: VersionFile, into part: String) throws -> UInt64 {
        let files = services.files
        var have = try files.facts(part)?.sizeBytes ?? 0
        if have > file.sizeBytes {
            try files.remove(part)
            have = 0
        }
        if have == file.sizeBytes && have > 0 { return 0 }
        if file.sizeBytes == 0 { try files.write(part, [], at: 0) }
        try awaitWindow()
        var buffer = PieceBuffer()
        var received: UInt64 = 0
        let flush = { (buffer: inout PieceBuffer) throws -> Void in
            guard !buffer.bytes.isEmpty else { return }
            try files.write(part, buffer.bytes, at: buffer.offset)
            services.killSwitch.reached(.downloadPiece)
            buffer.offset += UInt64(buffer.bytes.count)
            buffer.bytes.removeAll(keepingCapacity: true)
        }
        do {
            let missing = have..<file.sizeBytes
            try services.controller.artifact(file.digest, bytes: missing, of: file.sizeBytes) { offset, bytes in
                try goOn()
                guard offset + UInt64(bytes.count) <= file.sizeBytes else {
                    throw StepFault.failed(.hashMismatch, "\(file.path) is longer than its \(file.sizeBytes) bytes")
                }
                if offset != buffer.end {
                    try flush(&buffer)
                    buffer.offset = offset
                }
                buffer.bytes += bytes
                received += UInt64(bytes.count)
                if buffer.bytes.count >= Self.pieceBytes { try flush(&buffer) }
            }
        } catch {
            // What came before the break is kept: the next try resumes behind it.
            if !(error is StorageFault) { try flush(&buffer) }
            throw error
        }
        try flush(&buffer)
        guard try files.facts(part)?.sizeBytes == file.sizeBytes else {
            throw ControllerFault.unavailable("the file ended early")
        }
        return received
    }

    // MARK: Time

    /// Whether a transfer may go on.
    private func goOn() throws {
        if isInterrupted() { throw StepFault.interrupted }
        if let window, !window.contains(services.clock.secondOfDay) { throw WindowClosed() }
    }

    /// Waits for the time of the day in which files may be fetched.
    private func awaitWindow() throws(StepFault) {
        guard let window, !window.contains(services.clock.secondOfDay) else { return }
        services.log.info("download_waits", ["window": "\(window)"])
        while !window.contains(services.clock.secondOfDay) { try pause(Self.windowLookSeconds) }
    }

    private func pause(_ seconds: Double) throws(StepFault) {
        let end = services.clock.uptimeSeconds + seconds
        while services.clock.uptimeSeconds < end {
            if isInterrupted() { throw .interrupted }
            services.clock.pause(seconds: min(0.1, end - services.clock.uptimeSeconds))
        }
    }
}

/// The time of the day in which files may be fetched is over; nothing failed.
private struct WindowClosed: Error {}

extension Error {
    /// Whether only time helps: the network or the controller is away, or it asks to be left alone.
    fileprivate var isAbsence: Bool {
        switch self as? ControllerFault {
        case .unreachable, .busy: true
        case .unavailable, .refused, nil: false
        }
    }

    fileprivate var retryAfterSeconds: Double {
        if case .busy(_, let seconds)? = self as? ControllerFault { seconds } else { 0 }
    }
}

/// Bytes on their way to a file.
private struct PieceBuffer {
    var offset: UInt64 = 0
    var bytes: [UInt8] = []
    var end: UInt64 { offset + UInt64(bytes.count) }
}

extension StepFault {
    /// What a refusal of the disk means for a step.
    init(storage error: any Error) {
        if let fault = error as? StorageFault, fault.isFull {
            self = .failed(.diskFull, "\(fault)")
        } else {
            self = .failed(.storageFailed, "\(error)")
        }
    }

    /// What a refused version means for a step.
    init(_ refusal: ArtifactRefusal) {
        switch refusal {
        case .hashMismatch, .fileMissing, .fileUnexpected, .rootMismatch, .pathForbidden, .notAFile:
            self = .failed(.hashMismatch, "\(refusal)")
        case .bundleMalformed, .bundleUnsupported, .signatureUnknownKey, .signatureInvalid, .statementMalformed:
            self = .failed(.signatureInvalid, "\(refusal)")
        case .signatureRevokedKey: self = .failed(.publisherRevoked, "\(refusal)")
        case .manifestMissing, .manifestMalformed, .manifestMismatch:
            self = .failed(.versionMismatch, "\(refusal)")
        }
    }
}

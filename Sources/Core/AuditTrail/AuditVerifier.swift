public import Fleet
public import ModelTrust
import WireFormat

/// Checks an exported audit log line by line, in memory that does not grow with it.
///
/// What a log that passes proves, to somebody who has the controller's public key: the rows up to the signed head are
/// those the controller wrote, in their order, none changed, added or left out. Whoever holds the private key can
/// write another history; against that, and against an older export shown as the newest, only a head that was
/// remembered elsewhere helps (``remembered``).
///
/// A log need not begin with its first row: retention removes the rows up to a checkpoint. The controller signs where
/// the log begins then, and every checkpoint stays, so that a head that was remembered is still held against the last
/// checkpoint before it.
public struct AuditVerifier<Key: SignatureVerifying> {
    /// What a log that passed says.
    public struct Summary: Hashable, Sendable {
        /// How many rows there are.
        public let rows: UInt64
        /// How many checkpoints.
        public let checkpoints: Int
        /// The signed head's content.
        public let head: AuditSeal
        /// The signed head's text: what to remember.
        public let headText: String
        /// Where the log begins, since retention removed what was before; nil for a log that is whole.
        public let beginning: AuditSeal?
    }

    private let keys: [Key]
    private let digest: @Sendable ([UInt8]) -> Digest
    private let remembered: AuditSeal?
    private var lines = 0
    private var head: (seal: AuditSeal, text: String)?
    private var beginning: AuditSeal?
    private var rows: UInt64 = 0
    private var hash = Digest.zero
    private var checkpoints = 0
    /// Where the log was restored from a backup: how many rows before are the backup's, and when.
    private var restores: [(rows: UInt64, at: Timestamp)] = []
    private var lastCheckpoint = (rows: UInt64(0), digest: Digest.zero)

    /// Begins with nothing read.
    ///
    /// - Parameters:
    ///   - keys: the keys that may have signed: the controller's, and those it had before.
    ///   - remembered: the head of an earlier verification; the log must go on from it.
    ///   - digest: SHA-256.
    public init(keys: [Key], remembered: AuditSeal? = nil, digest: @escaping @Sendable ([UInt8]) -> Digest) {
        self.keys = keys
        self.remembered = remembered
        self.digest = digest
    }

    /// Takes the next line, without its end.
    ///
    /// - Throws: the first fault.
    public mutating func take(_ text: [UInt8]) throws(AuditFault) {
        lines += 1
        guard let line = AuditExport.Line(text) else { throw fault(.lineMalformed) }
        switch line {
        case .head(let text):
            guard head == nil else { throw fault(.lineMalformed) }
            head = (try seal(text, as: .head), text)
        case .beginning(let text):
            guard head != nil else { throw fault(.headMissing) }
            try takeBeginning(text)
        case .event(let event, let written):
            guard head != nil else { throw fault(.headMissing) }
            try take(event, written)
        case .checkpoint(let text):
            guard head != nil else { throw fault(.headMissing) }
            try takeCheckpoint(text)
        }
    }

    /// Ends the log.
    ///
    /// - Throws: a fault where more was signed than is there.
    public func finish() throws(AuditFault) -> Summary {
        guard let head else { throw fault(.headMissing) }
        guard rows == head.seal.number else { throw fault(.truncated) }
        guard hash == head.seal.hash else { throw fault(.headMismatch) }
        guard lastCheckpoint.digest == head.seal.previous else { throw fault(.checkpointGap) }
        if let remembered, rows < remembered.number { throw rememberedFault(remembered) }
        return Summary(
            rows: rows - (beginning?.number ?? 0), checkpoints: checkpoints, head: head.seal, headText: head.text,
            beginning: beginning)
    }

    /// Whether checkpoints of removed rows come now.
    private var isBeforeBeginning: Bool { beginning.map { rows < $0.number } ?? false }

    private mutating func takeBeginning(_ text: String) throws(AuditFault) {
        guard beginning == nil, rows == 0, checkpoints == 0 else { throw fault(.beginningMisplaced) }
        let seal = try seal(text, as: .beginning)
        guard let head, seal.number > 0, seal.number <= head.seal.number else { throw fault(.beginningMisplaced) }
        beginning = seal
    }

    private mutating func take(_ event: AuditEvent, _ written: Digest) throws(AuditFault) {
        guard event.number == rows + 1, !isBeforeBeginning else { throw fault(.numberGap) }
        guard let head, event.number <= head.seal.number else { throw fault(.surplus) }
        let expected = AuditChain.hash(of: event, after: hash, digest: digest)
        guard expected == written else { throw fault(.hashMismatch) }
        if let rows = event.restoredRows { restores.append((rows, event.at)) }
        if let remembered, remembered.number == event.number, remembered.hash != expected {
            throw rememberedFault(remembered)
        }
        rows = event.number
        hash = expected
    }

    private mutating func takeCheckpoint(_ text: String) throws(AuditFault) {
        let seal = try seal(text, as: .checkpoint)
        if let beginning, isBeforeBeginning { return try takeCheckpoint(seal, text, before: beginning) }
        guard seal.number == rows, rows > lastCheckpoint.rows else { throw fault(.checkpointMisplaced) }
        guard seal.hash == hash else { throw fault(.checkpointMismatch) }
        guard seal.previous == lastCheckpoint.digest else { throw fault(.checkpointGap) }
        checkpoints += 1
        lastCheckpoint = (rows, digest(Array(text.utf8)))
    }

    /// A checkpoint of removed rows: the checkpoints before and the head that was remembered are held against it.
    private mutating func takeCheckpoint(
        _ seal: AuditSeal, _ text: String, before beginning: AuditSeal
    ) throws(AuditFault) {
        guard seal.number > lastCheckpoint.rows, seal.number <= beginning.number else {
            throw fault(.checkpointMisplaced)
        }
        guard seal.previous == lastCheckpoint.digest else { throw fault(.checkpointGap) }
        if let remembered, lastCheckpoint.rows < remembered.number, remembered.number <= seal.number {
            // Of two seals over as many rows the hashes tell; else what the remembered one was signed after.
            let isContinued =
                remembered.number == seal.number
                ? remembered.hash == seal.hash : remembered.previous == lastCheckpoint.digest
            guard isContinued else { throw rememberedFault(remembered) }
        }
        checkpoints += 1
        lastCheckpoint = (seal.number, digest(Array(text.utf8)))
        guard seal.number == beginning.number else { return }
        guard seal.hash == beginning.hash, lastCheckpoint.digest == beginning.previous else {
            throw fault(.beginningMismatch)
        }
        rows = seal.number
        hash = seal.hash
    }

    private func seal(_ text: String, as kind: AuditSeal.Kind) throws(AuditFault) -> AuditSeal {
        do throws(AuditFault.Code) {
            return try AuditSeal(verifying: text, as: kind, keys: keys)
        } catch {
            throw fault(error)
        }
    }

    /// The log is not the one that was seen before; where a restore says so, that is what is told.
    private func rememberedFault(_ remembered: AuditSeal) -> AuditFault {
        let cut = restores.first { $0.rows < remembered.number && $0.at.milliseconds / 1000 >= remembered.issuedAt }
        guard let cut else { return fault(.rememberedMismatch) }
        return AuditFault(
            code: .rememberedRestored, line: max(lines, 1), entry: cut.rows + 1, remembered: remembered.number)
    }

    /// A fault of the line that was taken last.
    ///
    /// What a checkpoint contradicts begins behind the checkpoint before it.
    private func fault(_ code: AuditFault.Code) -> AuditFault {
        let entry =
            switch code {
            case .checkpointMismatch, .checkpointGap, .checkpointMisplaced, .headMismatch: lastCheckpoint.rows + 1
            default: rows + 1
            }
        return AuditFault(code: code, line: max(lines, 1), entry: entry)
    }
}

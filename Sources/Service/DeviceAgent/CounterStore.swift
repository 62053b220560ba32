import Fleet
import Synchronization
import WireFormat

/// The counter book and its two files: an agent that is killed loses nothing that it had scraped, and a power cut
/// nothing that was stored durably.
///
/// The durable file is replaced and synced where something cannot be scraped again or leaves the book; the recent one
/// is written at every scrape, without sync, and a power cut may tear it. The newer one that can be read holds.
final class CounterStore: Sendable {
    /// When the agent started, milliseconds since 1970; larger than at any start before, even where the clock went
    /// back.
    let boot: Int64

    private let files: any DurableFiles
    private let log: any AgentLog
    private let book: Mutex<CounterBook>

    /// Opens the book; one that cannot be read starts empty, and says so.
    init(files: any DurableFiles, log: any AgentLog, now: Timestamp) throws(StorageFault) {
        self.files = files
        self.log = log
        let durable = try Self.read(StateLayout.counters, files, log)
        let recent = try Self.read(StateLayout.recentCounters, files, log)
        var opened = [durable, recent].compactMap { $0 }.max { $0.generation < $1.generation } ?? CounterBook()
        opened.agentStarted()
        boot = opened.nextStart(now: now)
        book = Mutex(opened)
        save(isDurable: true)
    }

    private static func read(
        _ path: String, _ files: any DurableFiles, _ log: any AgentLog
    ) throws(StorageFault) -> CounterBook? {
        guard let bytes = try files.read(path) else { return nil }
        do {
            return try JSONCoding.decode(CounterBook.self, from: bytes)
        } catch {
            log.warning("counters_unreadable", ["path": path, "error": "\(error)"])
            return nil
        }
    }

    /// A copy of the book.
    var snapshot: CounterBook { book.withLock { $0 } }

    func change<Result: Sendable>(_ body: (inout sending CounterBook) -> Result) -> Result {
        book.withLock { body(&$0) }
    }

    /// Writes the book; called by the supervisor's thread alone.
    ///
    /// `isDurable` is for the moments in which something cannot be scraped again. Otherwise it is written without sync:
    /// a killed agent loses nothing by that, and after a power cut the runtime's own counters are gone as well.
    func save(isDurable: Bool) {
        let (stored, drops) = book.withLock { book in (book.nextStored(), book.hasSettled) }
        do {
            let bytes = try JSONCoding.encode(stored)
            if isDurable || drops {
                try files.replace(StateLayout.counters, with: bytes)
                book.withLock { $0.wasStored(stored) }
            } else {
                let temporary = StateLayout.recentCounters + ".new"
                try files.write(temporary, bytes, isSecret: false)
                try files.rename(temporary, to: StateLayout.recentCounters)
            }
        } catch {
            log.warning("counters_not_saved", ["error": "\(error)"])
        }
    }
}

import Fleet
import Synchronization
import WireFormat

/// The counter book and its file: an agent that is killed loses nothing that it had scraped.
final class CounterStore: Sendable {
    private let files: any DurableFiles
    private let log: any AgentLog
    private let book: Mutex<CounterBook>

    /// Opens the book; one that cannot be read starts empty, and says so.
    init(files: any DurableFiles, log: any AgentLog) throws(StorageFault) {
        self.files = files
        self.log = log
        var opened = CounterBook()
        if let bytes = try files.read(StateLayout.counters) {
            do {
                opened = try JSONCoding.decode(CounterBook.self, from: bytes)
            } catch {
                log.warning("counters_unreadable", ["error": "\(error)"])
            }
        }
        opened.agentStarted()
        book = Mutex(opened)
    }

    /// A copy of the book.
    var snapshot: CounterBook { book.withLock { $0 } }

    func change<Result: Sendable>(_ body: (inout sending CounterBook) -> Result) -> Result {
        book.withLock { body(&$0) }
    }

    /// Writes the book; called by the supervisor's thread alone.
    ///
    /// Mostly without sync: a killed agent loses nothing by that, and after a power cut the runtime's own counters are
    /// gone as well. `isDurable` is for the moments in which something cannot be scraped again.
    func save(isDurable: Bool) {
        do {
            let bytes = try JSONCoding.encode(snapshot)
            if isDurable {
                try files.replace(StateLayout.counters, with: bytes)
            } else {
                let temporary = StateLayout.counters + ".new"
                try files.write(temporary, bytes, isSecret: false)
                try files.rename(temporary, to: StateLayout.counters)
            }
        } catch {
            log.warning("counters_not_saved", ["error": "\(error)"])
        }
    }
}

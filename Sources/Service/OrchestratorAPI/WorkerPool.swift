import Foundation

/// A bounded number of threads that carry out what may block, from a bounded queue.
///
/// `@unchecked Sendable`: the mutable state is touched only while `condition` is locked.
public final class WorkerPool: @unchecked Sendable {
    private let condition = NSCondition()
    private let queueLimit: Int
    private var queue: [@Sendable () -> Void] = []
    private var head = 0
    private var running: Int
    private var isStopping = false

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - threads: how many, at least 1.
    ///   - queueLimit: how many jobs may wait; one more is refused.
    public init(threads: Int = 8, queueLimit: Int = 1024) {
        self.queueLimit = queueLimit
        running = max(1, threads)
        for number in 1...running {
            let thread = Thread { [self] in work() }
            thread.name = "worker-\(number)"
            thread.start()
        }
    }

    /// Queues a job.
    ///
    /// - Returns: false where the queue is full or the pool is stopping; the job is then not carried out.
    public func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        condition.withLock {
            guard !isStopping, queue.count - head < queueLimit else { return false }
            queue.append(job)
            condition.signal()
            return true
        }
    }

    /// How many jobs wait for a thread.
    public var waitingJobs: Int { condition.withLock { queue.count - head } }

    /// Takes no more jobs, carries out those that wait, and ends the threads.
    ///
    /// May be called twice.
    ///
    /// - Returns: whether all threads ended in time; jobs that still run go on.
    public func stop(withinSeconds limit: Double) -> Bool {
        let deadline = Date(timeIntervalSinceNow: limit)
        return condition.withLock {
            isStopping = true
            condition.broadcast()
            while running > 0 {
                guard condition.wait(until: deadline) else { return running == 0 }
            }
            return true
        }
    }

    private func work() {
        while let job = next() { job() }
        condition.withLock {
            running -= 1
            condition.broadcast()
        }
    }

    private func next() -> (@Sendable () -> Void)? {
        condition.withLock {
            while head == queue.count {
                guard !isStopping else { return nil }
                condition.wait()
            }
            let job = queue[head]
            head += 1
            if head == queue.count || head > queueLimit {
                queue.removeFirst(head)
                head = 0
            }
            return job
        }
    }
}

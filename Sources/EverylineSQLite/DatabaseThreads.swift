import Everyline
import NIOPosix

/// The one thread that writes to the database. A commit waits for the disk; on a thread of its own it keeps no other
/// work waiting, and a writer of one commit after the other changes no thread in between.
package final class WritingThread: TaskExecutor {
    private let pool = NIOThreadPool(numberOfThreads: 1)

    init() { pool.start() }

    /// Ends the thread once it has done what it was given.
    func end() { pool.shutdownGracefully { _ in } }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pool.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// The threads that read from the database, each at most one snapshot at a time. Live lines, which come from memory, go
/// first.
///
/// There are always as many: GRDB's own asynchronous reads take threads from a queue that makes a dozen when many wait,
/// and ends them seconds later.
final class ReadingThreads: Sendable {
    /// How many threads there are, and how many connections that read.
    static let count = 4

    private let pool = NIOThreadPool(numberOfThreads: count)

    init() { pool.start() }

    deinit { end() }

    /// Ends the threads once they have done what they were given.
    func end() { pool.shutdownGracefully { _ in } }

    /// Does `work` on one of the threads, also if the threads are to end: a caller always gets its answer.
    func submit(_ work: @escaping @Sendable () -> Void) {
        pool.submit { _ in
            ThreadPriority.yieldToLiveLines()
            work()
        }
    }
}

import Everyline
import NIOCore
import NIOPosix

/// A few threads for what takes milliseconds: parsing, encoding and compressing what is large. An event loop that did
/// it would keep every connection that it serves waiting.
///
/// The threads have a lower priority than the event loops, so live lines go first, and take their work in the order in
/// which it comes.
final class Workers: TaskExecutor {
    private let pool: NIOThreadPool

    init(threads: Int = max(1, System.coreCount)) {
        pool = NIOThreadPool(numberOfThreads: threads)
        pool.start()
    }

    deinit { pool.shutdownGracefully { _ in } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pool.submit { _ in
            ThreadPriority.yieldToLiveLines()
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }

    /// Does the work on one of the threads, and comes back to where the caller runs.
    func run<Value: Sendable>(_ work: @Sendable () throws -> Value) async throws -> Value {
        try await withTaskExecutorPreference(self) { try work() }
    }
}

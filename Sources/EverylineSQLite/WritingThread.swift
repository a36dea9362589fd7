import NIOCore
import NIOPosix

/// The one thread that writes to the database. A commit waits for the disk; on a thread of its own it keeps nobody else
/// waiting, and who writes one commit after the other changes no thread in between.
package final class WritingThread: TaskExecutor {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let loop: any EventLoop

    init() { loop = group.next() }

    /// Ends the thread once it has done what it was given.
    func end() { group.shutdownGracefully { _ in } }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

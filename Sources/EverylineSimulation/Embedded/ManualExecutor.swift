import Synchronization

/// Runs tasks one after the other, in the order in which they became ready, on the thread that calls ``run()`` and only
/// then: so that real asynchronous code takes part in a simulation whose every step follows from its seed.
final class ManualExecutor: TaskExecutor {
    private let ready = Mutex<[UnownedJob]>([])
    private let spinning = Atomic(false)

    /// How often tasks may make each other ready at one moment.
    private static let roundLimit = 20_000

    /// Whether tasks went on and on without waiting for anything.
    var isSpinning: Bool {
        get { spinning.load(ordering: .relaxed) }
        set { spinning.store(newValue, ordering: .relaxed) }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        ready.withLock { $0.append(job) }
    }

    /// Runs what is ready, and what becomes ready by it, until nothing is.
    func run() {
        for _ in 0..<Self.roundLimit {
            let jobs = ready.withLock { ready in
                defer { ready.removeAll(keepingCapacity: true) }
                return ready
            }
            if jobs.isEmpty { return }
            for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
        isSpinning = true
    }
}

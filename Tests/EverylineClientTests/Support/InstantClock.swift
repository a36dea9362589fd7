import Synchronization

/// A clock whose sleeps are over at once, and are written down.
final class InstantClock: Clock {
    typealias Instant = ContinuousClock.Instant

    private let slept = Mutex<[Duration]>([])
    private let start = ContinuousClock.now

    var sleeps: [Duration] { slept.withLock { $0 } }
    var now: Instant { start + sleeps.reduce(.zero, +) }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        let now = now
        slept.withLock { $0.append(deadline - now) }
    }
}

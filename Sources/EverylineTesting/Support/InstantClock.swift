import Synchronization

/// A clock whose sleeps are over at once, and are written down.
package final class InstantClock: Clock {
    package typealias Instant = ContinuousClock.Instant

    private let slept = Mutex<[Duration]>([])
    private let start = ContinuousClock.now

    package init() {}

    package var sleeps: [Duration] { slept.withLock { $0 } }
    package var now: Instant { start + sleeps.reduce(.zero, +) }
    package var minimumResolution: Duration { .nanoseconds(1) }

    package func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        let now = now
        slept.withLock { $0.append(deadline - now) }
    }
}

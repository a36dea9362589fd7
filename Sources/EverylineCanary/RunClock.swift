/// The time of a run, in microseconds since the epoch. It never goes backwards, however the system's clock is set
/// meanwhile.
struct RunClock: Sendable {
    private let start: ContinuousClock.Instant
    let startTime: UInt64

    init(startTime: UInt64) {
        start = .now
        self.startTime = startTime
    }

    var now: UInt64 { startTime + elapsed }

    /// Since the beginning.
    var elapsed: UInt64 { UInt64((ContinuousClock.now - start) / .microseconds(1)) }
}

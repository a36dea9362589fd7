import NIOCore

/// Judges whether a peer takes what waits for it. Pure: bytes and times come in as arguments.
struct StallWatch: Sendable {
    private let timeout: TimeAmount
    /// All bytes that were ever written.
    private var written = 0
    /// How many of them had gone at the last check.
    private var gone = 0
    private var lastProgress = NIODeadline.uptimeNanoseconds(0)
    private var isWatching = false

    init(timeout: Duration) {
        self.timeout = TimeAmount(timeout)
    }

    /// How long to wait between two checks: four within the timeout.
    var interval: TimeAmount { .nanoseconds(max(timeout.nanoseconds / 4, 1_000_000)) }

    mutating func wrote(_ bytes: Int) {
        written += bytes
    }

    /// Called after a flush.
    /// - Returns: whether a first check must be scheduled.
    mutating func begin(unsent: Int, now: NIODeadline) -> Bool {
        guard unsent > 0, !isWatching else { return false }
        isWatching = true
        gone = written - unsent
        lastProgress = now
        return true
    }

    enum Verdict: Hashable {
        /// Nothing waits; the watch is over.
        case idle
        case progressing
        case stalled
    }

    /// Called at each check. Bytes that we add meanwhile are no progress, bytes that went are.
    mutating func check(unsent: Int, now: NIODeadline) -> Verdict {
        guard unsent > 0 else {
            isWatching = false
            return .idle
        }
        if written - unsent > gone {
            gone = written - unsent
            lastProgress = now
        }
        return now - lastProgress >= timeout ? .stalled : .progressing
    }
}

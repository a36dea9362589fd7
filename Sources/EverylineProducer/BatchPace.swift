import Everyline

/// How much one append carries: what the link takes in about two seconds, so that a slow link makes progress that is acknowledged.
struct BatchPace {
    private(set) var limit: ByteCount = .kibibytes(128)

    private static let least: ByteCount = .kibibytes(4)
    private static let most: ByteCount = .mebibytes(1)

    mutating func took(_ time: Duration, bytes: ByteCount) {
        if time > .seconds(2) { slowDown() }
        if time < .milliseconds(500), bytes > limit / 2 { limit = min(limit * 2, Self.most) }
    }

    /// After a failure that a long transfer may have caused.
    mutating func slowDown() { limit = max(limit / 2, min(limit, Self.least)) }

    /// After a refusal of so many bytes for their number.
    mutating func refused(bytes: ByteCount) { limit = max(min(limit, bytes) / 2, 1) }
}

/// Runs a step, and says how long it took.
func elapsed<C: Clock, Value: Sendable>(
    on clock: C, _ step: () async throws -> Value
) async throws -> (Value, Duration) where C.Duration == Duration {
    let start = clock.now
    let value = try await step()
    return (value, start.duration(to: clock.now))
}

extension RetryPolicy {
    /// Runs `step` until it succeeds, fails for good, or there is no other attempt; then throws what it threw last.
    ///
    /// - Parameters:
    ///   - isTransient: whether a failure may pass. By default what ``APIError`` and ``ClientError`` say of themselves.
    ///   - willRetry: is told of each failure that is followed by another try, and the wait before it.
    package func run<Value>(
        seed: UInt64 = .random(in: 0 ... .max), clock: any Clock<Duration> = ContinuousClock(),
        isTransient: (any Error) -> Bool = RetryPolicy.isTransient,
        willRetry: (any Error, Duration) -> Void = { _, _ in },
        _ step: () async throws -> Value
    ) async throws -> Value {
        var generator = SeededGenerator(seed: seed)
        var failures = 0
        while true {
            do {
                return try await step()
            } catch {
                failures += 1
                guard isTransient(error), let delay = delay(afterFailures: failures, using: &generator) else {
                    throw error
                }
                let asked = (error as? APIError)?.retryAfter ?? .zero
                let wait = max(delay, min(asked, longest))
                willRetry(error, wait)
                try await clock.sleep(for: wait)
            }
        }
    }

    /// Whether an error of a client of Everyline's may not come again.
    package static func isTransient(_ error: any Error) -> Bool {
        switch error {
        case let error as APIError: error.isTransient
        case let error as ClientError: error.isTransient
        default: false
        }
    }
}

import Everyline
import EverylineClient
import EverylineTesting
import Testing

@Suite("A retry policy") struct RetryPolicyTests {
    @Test("waits between half of and the whole of a time that doubles up to its bound", arguments: 1...40)
    func growth(failures: Int) throws {
        let policy = RetryPolicy(first: .milliseconds(100), longest: .seconds(10))
        var whole = Duration.milliseconds(100)
        for _ in 1..<failures where whole < .seconds(10) { whole = min(whole * 2, .seconds(10)) }
        for seed in 0..<50 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let delay = try #require(policy.delay(afterFailures: failures, using: &generator))
            #expect(delay >= whole / 2 && delay <= whole)
        }
    }

    @Test("gives the same waits for the same seed, and others for another")
    func seeded() {
        func waits(_ seed: UInt64) -> [Duration?] {
            var generator = SeededGenerator(seed: seed)
            return (1...8).map { RetryPolicy().delay(afterFailures: $0, using: &generator) }
        }
        #expect(waits(1) == waits(1))
        #expect(waits(1) != waits(2))
    }

    @Test("ends with its last attempt")
    func bounded() async {
        let clock = InstantClock()
        var tries = 0
        await #expect(throws: ClientError.timedOut) {
            try await RetryPolicy(attempts: 3).run(clock: clock) {
                tries += 1
                throw ClientError.timedOut
            }
        }
        #expect(tries == 3)
        #expect(clock.sleeps.count == 2)
    }

    @Test("doesn't repeat what can't succeed", arguments: [400, 401, 403, 404, 409, 422])
    func permanent(status: Int) async {
        let clock = InstantClock()
        let refusal = APIError(status: status, code: "x", detail: "")
        await #expect(throws: refusal) {
            try await RetryPolicy(attempts: 3).run(clock: clock) { throw refusal }
        }
        #expect(clock.sleeps.isEmpty)
    }

    @Test("waits for as long as the server asks, but not longer than its bound", arguments: [(3, 3), (100, 10)])
    func retryAfter(asked: Int, waited: Int) async throws {
        let clock = InstantClock()
        var tries = 0
        try await RetryPolicy(attempts: 2).run(clock: clock) {
            tries += 1
            if tries == 1 {
                throw APIError(status: 503, code: "unavailable", detail: "", retryAfter: .seconds(asked))
            }
        }
        #expect(clock.sleeps.count == 1)
        #expect(abs(clock.sleeps[0] / .seconds(waited) - 1) < 0.001)
    }
}

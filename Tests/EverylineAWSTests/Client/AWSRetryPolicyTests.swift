import Everyline
import Testing

@testable import EverylineAWS

@Suite("The AWS client's retries")
struct AWSRetryPolicyTests {
    /// Gives the largest numbers there are, so that jitter is the whole of the wait. It has a size, as
    /// ``SystemGenerator``.
    private struct Largest: RandomNumberGenerator {
        private let largest = UInt64.max

        mutating func next() -> UInt64 { largest }
    }

    private func longest(_ failure: AWSFailure, _ failures: Int, of policy: AWSRetryPolicy) -> Duration? {
        var generator = Largest()
        return policy.delay(after: failure, failures: failures, using: &generator)
    }

    @Test("wait twice as long each time, up to a bound, and longer where a service wants less")
    func doubling() throws {
        let policy = AWSRetryPolicy(
            attempts: 9, first: .milliseconds(50), firstThrottled: .milliseconds(400), longest: .seconds(1))
        for (failure, expected) in [
            (AWSFailure.transient, [50, 100, 200, 400, 800, 1000, 1000, 1000]),
            (.throttled, [400, 800, 1000, 1000, 1000, 1000, 1000, 1000]),
        ] {
            for (index, milliseconds) in expected.enumerated() {
                let wait = try #require(longest(failure, index + 1, of: policy))
                #expect(wait > .milliseconds(milliseconds) * 0.99 && wait <= .milliseconds(milliseconds))
            }
            #expect(longest(failure, 9, of: policy) == nil)
        }
    }

    @Test("are spread over the whole of the wait")
    func jitter() throws {
        let policy = AWSRetryPolicy(first: .milliseconds(100))
        var generator = SystemGenerator()
        let waits = try (0..<1000).map { _ in
            try #require(policy.delay(after: .transient, failures: 1, using: &generator))
        }
        #expect(try #require(waits.min()) < .milliseconds(10))
        #expect(try #require(waits.max()) > .milliseconds(90))
    }

    @Test("are none for what would fail again, and one for expired credentials")
    func kinds() {
        let policy = AWSRetryPolicy()
        #expect(longest(.permanent, 1, of: policy) == nil)
        #expect(longest(.expiredCredentials, 1, of: policy) == .zero)
        #expect(longest(.expiredCredentials, 2, of: policy) == nil)
        let impatient = AWSRetryPolicy(triesThrottled: false)
        #expect(longest(.throttled, 1, of: impatient) == nil)
        #expect(longest(.transient, 1, of: impatient) != nil)
    }
}

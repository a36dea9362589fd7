import Everyline

/// How often an operation is tried, and how long to wait in between: never longer than a bound, longer where the
/// service is throttling, and anywhere between nothing and the whole of it ("full jitter"), so that many clients don't
/// come back together. A value, without a clock or a state.
package struct AWSRetryPolicy: Sendable, Equatable {
    package var attempts: Int
    /// Before the second try, at the most, after what may pass by itself.
    package var first: Duration
    /// The same, after a service has asked for less.
    package var firstThrottled: Duration
    /// Between any two tries, at the most.
    package var longest: Duration
    /// Whether there is another try after a service has asked for less.
    package var triesThrottled: Bool

    /// - Precondition: there is at least one attempt, and the times are positive.
    package init(
        attempts: Int = 5, first: Duration = .milliseconds(50), firstThrottled: Duration = .milliseconds(400),
        longest: Duration = .seconds(5), triesThrottled: Bool = true
    ) {
        precondition(
            attempts >= 1 && first > .zero && firstThrottled > .zero && longest >= first,
            "no policy: \(attempts) attempts, \(first) or \(firstThrottled) at first, \(longest) at the most")
        self.attempts = attempts
        self.first = first
        self.firstThrottled = firstThrottled
        self.longest = longest
        self.triesThrottled = triesThrottled
    }

    /// How long to wait after so many failed tries in a row; `nil` if there is to be no other one.
    func delay(
        after failure: AWSFailure, failures: Int, using generator: inout some RandomNumberGenerator
    ) -> Duration? {
        guard failures < attempts else { return nil }
        let start: Duration
        switch failure {
        case .permanent: return nil
        case .expiredCredentials: return failures == 1 ? .zero : nil
        case .transient: start = first
        case .throttled:
            guard triesThrottled else { return nil }
            start = firstThrottled
        }
        let whole = RetryPolicy.doubled(start, times: failures - 1, atMost: longest)
        return whole * Double.random(in: 0...1, using: &generator)
    }
}

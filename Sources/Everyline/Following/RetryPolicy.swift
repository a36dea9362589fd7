/// How long to wait between tries: exponentially longer, never longer than a bound, and jittered, so that the clients
/// of a server that restarts don't come back all at once. A value, without a clock or a state.
public struct RetryPolicy: Sendable, Equatable {
    /// Before the second try, at the most.
    public var first: Duration
    /// Between any two tries, at the most.
    public var longest: Duration
    /// How many tries there are; `nil` for as many as it takes.
    public var attempts: Int?

    /// - Precondition: the times are positive, and there is at least one attempt.
    public init(first: Duration = .milliseconds(100), longest: Duration = .seconds(10), attempts: Int? = nil) {
        precondition(
            first > .zero && longest >= first && attempts ?? 1 >= 1,
            "no policy: \(first) at first, \(longest) at the most, \(attempts ?? 1) attempts")
        self.first = first
        self.longest = longest
        self.attempts = attempts
    }

    /// How long to wait after so many failed tries in a row; `nil` if there is to be no other one.
    ///
    /// It lies between half of and the whole of `first`, doubled with each failure up to `longest`.
    ///
    /// - Precondition: `failures` is at least 1.
    public func delay(afterFailures failures: Int, using generator: inout some RandomNumberGenerator) -> Duration? {
        precondition(failures >= 1, "a delay after \(failures) failures")
        if let attempts, failures >= attempts { return nil }
        let whole = Self.doubled(first, times: failures - 1, atMost: longest)
        return whole / 2 + whole / 2 * Double.random(in: 0...1, using: &generator)
    }

    package static func doubled(_ duration: Duration, times: Int, atMost longest: Duration) -> Duration {
        var whole = min(duration, longest)
        for _ in 0..<times where whole < longest { whole = min(whole * 2, longest) }
        return whole
    }
}

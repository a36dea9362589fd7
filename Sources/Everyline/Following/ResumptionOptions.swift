/// How a tail that resumes tries, and when it gives up.
public struct ResumptionOptions: Sendable, Equatable {
    /// The waits between tries. Its number of attempts isn't looked at: once a connection has stood, there are as many
    /// as it takes.
    public var policy = RetryPolicy()
    /// How many tries there are for the first connection.
    public var startAttempts = 5
    /// How often in a row the server may break its promise, with no event between, before the tail gives up.
    public var faultLimit = 8
    /// How long an overloaded server is left alone, at least.
    public var overloadDelay: Duration = .seconds(1)
    /// The silence after which a connection is taken for dead; servers send a heartbeat every 10 s by default.
    public var silenceLimit: Duration = .seconds(45)

    public init() {}
}

package import Everyline

/// What the routes work with: the stores, the log's writer and feed, and what starts commands.
package struct ServerCore: Sendable {
    package let executions: any ExecutionStore
    package let log: any LogStore
    package let access: any AccessStore
    package let writer: LogWriter
    package let feed: LogFeed
    /// Wakes the producers that wait for a request to stop. Apart from `feed`, so that appends don't wake them.
    package let stopRequests: LogFeed
    /// Where commands run.
    package let platform: Platform
    /// What all requests share.
    package let resources: ServerResources
    /// Says whether a command can be started at all, before anything is; what it throws is the answer.
    package let check: @Sendable (RunRequest) async throws -> Void
    /// Starts a registered execution's command. ``StartUnclear`` says that it may have been started; whatever else it throws means
    /// that nothing was, ``StartRefused`` with the reason for the log.
    package let start: @Sendable (RunOrder) async throws -> Void
    /// For how long after an execution's making a repeated request starts its command again, where that starts nothing twice.
    package let restart: Duration?
    /// Makes the service that runs a command stop it, once that was requested; a runner that asks by itself needs nothing.
    package let stop: @Sendable (Execution) async throws -> Void
    /// The wall clock.
    package let now: @Sendable () -> Timestamp

    package init(
        executions: any ExecutionStore, log: any LogStore, access: any AccessStore, writer: LogWriter, feed: LogFeed,
        stopRequests: LogFeed, platform: Platform = .embedded, resources: ServerResources,
        now: @escaping @Sendable () -> Timestamp,
        check: @escaping @Sendable (RunRequest) async throws -> Void = { _ in },
        start: @escaping @Sendable (RunOrder) async throws -> Void, restart: Duration? = nil,
        stop: @escaping @Sendable (Execution) async throws -> Void = { _ in }
    ) {
        self.executions = executions
        self.log = log
        self.access = access
        self.writer = writer
        self.feed = feed
        self.stopRequests = stopRequests
        self.platform = platform
        self.resources = resources
        self.now = now
        self.check = check
        self.start = start
        self.restart = restart
        self.stop = stop
    }
}

/// Nothing was started, and why, in the words of the service that runs commands.
package struct StartRefused: Error {
    let reason: String

    package init(reason: String) { self.reason = reason }
}

/// It is unknown whether the command was started.
package struct StartUnclear: Error {
    let cause: any Error

    package init(_ cause: any Error) { self.cause = cause }
}

/// What is handed to the service that runs commands.
package struct RunOrder: Sendable {
    package let execution: ExecutionID
    package let request: RunRequest
    package let appendToken: Secret

    package init(execution: ExecutionID, request: RunRequest, appendToken: Secret) {
        self.execution = execution
        self.request = request
        self.appendToken = appendToken
    }
}

/// What all requests and viewers of a server have together of its memory and its processors.
package struct ServerResources: Sendable {
    /// Where heavy work is done.
    let workers = Workers()
    /// Requests' bodies, from their first byte until they were acted on.
    let bodies: ByteBudget
    /// Lists of executions while they are made.
    let lists = ByteBudget(limit: .mebibytes(64), patience: .seconds(5))
    /// What compresses downloads, for as long as they last; beyond it a download isn't compressed. Apart from the lists, so that
    /// downloads that last keep none waiting.
    let compressing = ByteBudget(limit: .mebibytes(64), patience: .zero)
    /// What was sent and waits for a client to read it.
    let unread: UnreadBudget
    /// The standard input of commands, on its way to them.
    let inputs = Inputs()

    package init(_ limits: ServerConfiguration.Limits) {
        bodies = ByteBudget(limit: limits.bodies, patience: .seconds(5))
        unread = UnreadBudget(limit: limits.unread)
    }
}

package import Everyline

/// What the routes work with: the stores, the log's writer and feed, and the engine that runs commands.
package struct ServerCore: Sendable {
    package let executions: any ExecutionStore
    package let log: any LogStore
    package let access: any AccessStore
    package let writer: LogWriter
    package let feed: LogFeed
    /// Wakes the producers that wait for a request to stop. Apart from `feed`, so that appends don't wake them.
    package let stopRequests: LogFeed
    /// Runs commands.
    package let engine: any CommandEngine
    /// What all requests share.
    package let resources: ServerResources
    /// The open logs that no producer had gone on with when the server started, if its data had been restored.
    package let restored: RestoredLogs?
    /// The wall clock.
    package let now: @Sendable () -> Timestamp

    package init(
        executions: any ExecutionStore, log: any LogStore, access: any AccessStore, writer: LogWriter, feed: LogFeed,
        stopRequests: LogFeed, engine: any CommandEngine, resources: ServerResources,
        restored: RestoredLogs? = nil, now: @escaping @Sendable () -> Timestamp
    ) {
        self.executions = executions
        self.log = log
        self.access = access
        self.writer = writer
        self.feed = feed
        self.stopRequests = stopRequests
        self.engine = engine
        self.resources = resources
        self.restored = restored
        self.now = now
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
    /// What compresses downloads, for as long as they last; beyond it a download isn't compressed. Apart from the
    /// lists, so that downloads that last keep none waiting.
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

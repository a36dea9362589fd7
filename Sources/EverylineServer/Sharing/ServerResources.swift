import Everyline

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

    package init(_ limits: ServerConfiguration.Limits) {
        bodies = ByteBudget(limit: limits.bodies, patience: .seconds(5))
        unread = UnreadBudget(limit: limits.unread)
    }
}

import Everyline

/// What all requests and viewers of a server have together of its memory and its processors.
package struct ServerResources: Sendable {
    /// Where heavy work is done.
    let workers = Workers()
    /// Requests' bodies, from their first byte until they were acted on.
    let bodies: ByteBudget
    /// Answers while they are made; beyond it a request for a list waits, and a download isn't compressed.
    let answers = ByteBudget(limit: .mebibytes(64), patience: .seconds(5))
    /// What was sent and waits for a client to read it.
    let unread: UnreadBudget

    package init(_ limits: ServerConfiguration.Limits) {
        bodies = ByteBudget(limit: limits.bodies, patience: .seconds(5))
        unread = UnreadBudget(limit: limits.unread)
    }
}

/// The pending connection: what a stream's URL stands for. It is bound to one execution and one user, and may be used
/// again until it expires: that is what reconnecting is.
package struct StreamToken: Sendable, Equatable {
    package let execution: ExecutionID
    package let user: UserID
    /// The key under which it was issued; it falls with it.
    package let key: APIKey.ID
    /// Where the viewer that asked for it wanted to begin.
    package let start: StreamStart
    /// Checked on every use, never left to a clean-up.
    package let expiresAt: Timestamp
    /// In which incarnation it was issued; `nil` where none is told apart.
    package let incarnation: Incarnation?

    package init(
        execution: ExecutionID, user: UserID, key: APIKey.ID, start: StreamStart, expiresAt: Timestamp,
        incarnation: Incarnation? = nil
    ) {
        self.incarnation = incarnation
        self.execution = execution
        self.user = user
        self.key = key
        self.start = start
        self.expiresAt = expiresAt
    }

    /// Whether it opens `execution` at the time `now`.
    package func opens(_ execution: ExecutionID, at now: Timestamp) -> Bool {
        self.execution == execution && now < expiresAt
    }
}

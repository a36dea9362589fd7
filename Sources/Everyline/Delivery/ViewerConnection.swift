/// The record of one viewer's connection where no process owns it: how far it has got, and who may send to it.
///
/// Whoever sends holds the ``ReplayLock``; the cursor moves only under the lock's fence. Every change is one of
/// ``ConnectionUpdate``'s conditional writes.
public struct ViewerConnection: Sendable, Equatable {
    public let execution: ExecutionID
    /// Which resumption the viewer is in. What is sent carries it, and the viewer refuses what carries an older one.
    public internal(set) var generation: UInt64
    /// The last event that was handed to the gateway in this generation.
    public internal(set) var cursor: Offset
    /// Grows with every change of hands. A sender whose fence is not this one has lost its right.
    public internal(set) var fence: UInt64
    public internal(set) var lock: ReplayLock?
    public internal(set) var isOpen: Bool
    /// The record means nothing from then on, whether or not a clean-up has come by.
    public let expiresAt: Timestamp

    /// A connection that has just been made, where its viewer asked to begin.
    public init(execution: ExecutionID, cursor: Offset, expiresAt: Timestamp) {
        self.execution = execution
        self.generation = 0
        self.cursor = cursor
        self.fence = 0
        self.lock = nil
        self.isOpen = true
        self.expiresAt = expiresAt
    }
}

/// The exclusive, expiring right to send to one viewer's connection and to move its cursor.
///
/// The lease is for progress only: when it is over, somebody else may take the lock. Safety comes from the fence, which
/// no clock moves.
public struct ReplayLock: Sendable, Equatable {
    public let owner: String
    public let leaseUntil: Timestamp

    public init(owner: String, leaseUntil: Timestamp) {
        self.owner = owner
        self.leaseUntil = leaseUntil
    }
}

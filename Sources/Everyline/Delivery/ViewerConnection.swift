/// The record of one viewer's connection where no process owns it: how far it has got, and who may send to it.
///
/// The sender holds the ``ReplayLock``; the cursor moves only under the lock's fence. Every change is one of
/// ``ConnectionUpdate``'s conditional writes.
package struct ViewerConnection: Sendable, Equatable {
    package let execution: ExecutionID
    /// Which resumption the viewer is in. What is sent carries it, and the viewer refuses what carries an older one.
    package internal(set) var generation: UInt64
    /// Where this generation began: after what its viewer had, or asked for.
    package internal(set) var start: Offset
    /// The last event that was handed to the gateway in this generation.
    package internal(set) var cursor: Offset
    /// The time of the latest event up to the cursor that was handed over; `nil` before the first. For people: no rule
    /// reads it.
    package internal(set) var lastSeen: Timestamp?
    /// Grows with every change of hands. A sender whose fence is not this one has lost its right.
    package internal(set) var fence: UInt64
    package internal(set) var lock: ReplayLock?
    package internal(set) var isOpen: Bool
    /// How its viewer wants to be spoken to.
    package let encoding: StreamEncoding
    /// The key with which its viewer may see the log.
    package let key: APIKey.ID
    /// When it was made. For a while after that, that the gateway doesn't know it means "not yet".
    package let connectedAt: Timestamp
    /// The record means nothing from then on, whether or not a clean-up has come by.
    package let expiresAt: Timestamp

    /// A connection that has just been made, where its viewer asked to begin.
    package init(
        execution: ExecutionID, cursor: Offset, encoding: StreamEncoding, key: APIKey.ID, connectedAt: Timestamp,
        expiresAt: Timestamp
    ) {
        self.init(
            execution: execution, generation: 0, start: cursor, cursor: cursor, lastSeen: nil, fence: 0, lock: nil,
            isOpen: true, encoding: encoding, key: key, connectedAt: connectedAt, expiresAt: expiresAt)
    }

    /// A record as a store has kept it.
    package init(
        execution: ExecutionID, generation: UInt64, start: Offset, cursor: Offset, lastSeen: Timestamp?,
        fence: UInt64, lock: ReplayLock?, isOpen: Bool, encoding: StreamEncoding, key: APIKey.ID,
        connectedAt: Timestamp,
        expiresAt: Timestamp
    ) {
        self.execution = execution
        self.generation = generation
        self.start = start
        self.cursor = cursor
        self.lastSeen = lastSeen
        self.fence = fence
        self.lock = lock
        self.isOpen = isOpen
        self.encoding = encoding
        self.key = key
        self.connectedAt = connectedAt
        self.expiresAt = expiresAt
    }

    /// Whether its viewer may still be served.
    package func isUsable(at now: Timestamp) -> Bool { isOpen && now < expiresAt }

    /// Whether a sender may send to it now. A viewer that opens with a resumption refuses what is sent to it before
    /// that; it is notified when it resumes.
    package func isServable(at now: Timestamp) -> Bool { isUsable(at: now) && !awaitsResumption }

    /// Whether its viewer is yet to say from where it goes on.
    package var awaitsResumption: Bool { encoding == .blocks && generation == 0 }

    /// Whether a sender has the right to send to it.
    package func isLocked(at now: Timestamp, lease: Duration) -> Bool { lock?.holds(at: now, lease: lease) ?? false }

    /// The record of a new connection that was given the id of this one: the old senders' fence never fits it.
    package func replaced(by new: ViewerConnection) -> ViewerConnection {
        var next = new
        next.fence = fence + 1
        return next
    }

    /// What it means that the gateway has no such connection: before the connection's integration has returned there is
    /// none.
    package func isSettled(at now: Timestamp) -> Bool { now >= connectedAt + Self.settlingTime }

    /// How long after it was made a connection may still be unknown to the gateway.
    package static let settlingTime = Duration.seconds(10)
}

/// The exclusive, expiring right to send to one viewer's connection and to move its cursor.
///
/// The lease is for progress only: when it is over, another sender may take the lock. Safety comes from the fence,
/// which no clock moves.
package struct ReplayLock: Sendable, Equatable {
    package let owner: String
    package let leaseUntil: Timestamp

    package init(owner: String, leaseUntil: Timestamp) {
        self.owner = owner
        self.leaseUntil = leaseUntil
    }

    /// Whether the lease is not over. One that is more than two leases away was written by a wrong clock, and holds no
    /// sender off: to take a lock that is still held is safe.
    package func holds(at now: Timestamp, lease: Duration) -> Bool {
        now < leaseUntil && leaseUntil <= now + lease * 2
    }
}

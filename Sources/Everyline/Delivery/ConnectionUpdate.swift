/// A conditional write on a ``ViewerConnection``. A store carries it out in one step: if the condition doesn't hold,
/// nothing changes, and the writer must read again, never force it.
package enum ConnectionUpdate: Sendable, Equatable {
    /// The viewer says from where it goes on. A later generation than the record's wins; a sender that
    /// holds the lock loses it.
    case resume(generation: UInt64, after: Offset)
    /// Takes the lock if it is free or its lease is over, of a viewer that may be sent to.
    case acquire(owner: String, now: Timestamp, lease: Duration)
    /// Moves the cursor after a block was posted, and renews the lease, or gives the lock back where there is none: the
    /// last step of a pass. Only under the fence, and only from where the sender read.
    case advance(fence: UInt64, from: Offset, to: Offset, lastSeen: Timestamp, now: Timestamp, lease: Duration?)
    /// Gives the lock back, if it is still the fence's.
    case release(fence: UInt64)
    /// The sender is through with the connection: it has got everything, or the gateway doesn't know it any more. Only
    /// under the fence: a viewer that resumed meanwhile is not through.
    case finish(fence: UInt64)
    /// The connection is gone.
    case close

    /// The record after the write; `nil` if the condition refuses it.
    package func apply(to connection: ViewerConnection) -> ViewerConnection? {
        var next = connection
        switch self {
        case .resume(let generation, let after):
            guard connection.isOpen, connection.generation < generation else { return nil }
            next.generation = generation
            next.start = after
            next.cursor = after
            next.fence += 1
            next.lock = nil
        case .acquire(let owner, let now, let lease):
            guard connection.isServable(at: now), !connection.isLocked(at: now, lease: lease) else { return nil }
            next.lock = ReplayLock(owner: owner, leaseUntil: now + lease)
            next.fence += 1
        case .advance(let fence, let from, let to, let lastSeen, let now, let lease):
            guard connection.isOpen, connection.fence == fence, connection.cursor == from, let lock = connection.lock
            else { return nil }
            next.cursor = to
            next.lastSeen = lastSeen
            next.lock = lease.map { ReplayLock(owner: lock.owner, leaseUntil: now + $0) }
        case .release(let fence):
            guard connection.fence == fence, connection.lock != nil else { return nil }
            next.lock = nil
        case .finish(let fence):
            guard connection.fence == fence else { return nil }
            return ConnectionUpdate.close.apply(to: connection)
        case .close:
            guard connection.isOpen else { return nil }
            next.isOpen = false
            next.lock = nil
            next.fence += 1
        }
        return next
    }
}

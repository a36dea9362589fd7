package import NIOCore

/// What came over a stream's connection.
package enum TailReading: Sendable, Equatable {
    /// Whole lines.
    case message(ByteBuffer)
    /// The server closed in order; a download that is complete has 1000.
    case closed(code: UInt16, reason: String)
    /// A download gave a part, in order; the rest is to be asked for.
    case partComplete
    /// The connection broke, or nothing came for too long.
    case lost(String)
}

/// Why there is no connection, or no answer.
package enum TailFailure: Error, Equatable {
    case refused(APIError)
    case unreachable(String)
    case unusable(String)
}

/// How an execution stands.
package struct TailState: Sendable, Equatable {
    /// `nil` until it has ended.
    package let outcome: ExecutionOutcome?
    package let head: Offset

    package init(outcome: ExecutionOutcome?, head: Offset) {
        self.outcome = outcome
        self.head = head
    }
}

import NIOCore

/// Keeps the logs that producers append to. Every adapter gives the same guarantees, and runs the same contract suite.
package protocol LogStore: LogReader {
    /// Decides and carries out a batch of appends, in order, in one transaction that is durable when this returns.
    ///
    /// Each append is decided by ``AppendRule`` against the head inside the transaction. A refused append changes
    /// nothing and doesn't touch the others. With the `end` event the execution's status and outcome are written, in
    /// the same transaction; a first append makes a `STARTING` execution `RUNNING`.
    ///
    /// - Parameter now: when the executions started, if they do; those that end did so at
    ///   ``Execution/endTime(told:started:now:)``.
    /// - Throws: an error that holds for the whole batch, of which nothing was kept: ``LogStoreError/noSpace`` or
    ///   ``LogStoreError/unavailable(_:)``.
    /// - Returns: for each append, in order, its outcome or why it was refused.
    func append(_ appends: [LogAppend], at now: Timestamp) async throws -> [Result<Appended, LogStoreError>]
}

/// One producer's wish to append.
package struct LogAppend: Sendable {
    package let execution: ExecutionID
    /// The head that the body follows.
    package let head: Offset
    package let body: AppendBody
    /// The incarnation that the producer knows; `nil` if it names none.
    package let incarnation: Incarnation?

    package init(
        _ body: AppendBody, to execution: ExecutionID, after head: Offset, in incarnation: Incarnation? = nil
    ) {
        precondition(
            body.block.map { $0.predecessor == head } ?? true,
            "a block from \(body.block?.first ?? .zero) on is appended after \(head)")
        self.incarnation = incarnation
        self.execution = execution
        self.head = head
        self.body = body
    }
}

/// The outcome of an append that was taken.
package struct Appended: Sendable, Equatable {
    /// The head after it.
    package let head: LogHead
    /// The part of the body that was new; `nil` if the log held all of it already.
    package let block: EventBlock?
    /// Whether the execution was asked to stop and has not ended: what its producer should know.
    package let isStopRequested: Bool

    package init(head: LogHead, block: EventBlock?, isStopRequested: Bool) {
        self.head = head
        self.block = block
        self.isStopRequested = isStopRequested && !head.isEnded
    }
}

/// Where a log ends at one moment.
package struct LogHead: Sendable, Equatable {
    /// The offset of the last event.
    package var offset: Offset
    /// Whether that is the `end` event. Then it never changes again.
    package var isEnded: Bool
    /// What the log holds, in bytes of encoded lines.
    package var bytes: ByteCount
    /// No event of the log is later than this.
    package var latest: Timestamp

    package init(offset: Offset = .zero, isEnded: Bool = false, bytes: ByteCount = 0, latest: Timestamp = .epoch) {
        self.offset = offset
        self.isEnded = isEnded
        self.bytes = bytes
        self.latest = latest
    }

    /// The head once `block` has been added.
    package func adding(_ block: EventBlock) -> LogHead {
        LogHead(
            offset: block.last, isEnded: block.endsLog, bytes: bytes + block.bytes.readableBytes,
            latest: max(latest, block.latest))
    }
}

/// What one reading of a log gave.
package struct LogRead: Sendable, Equatable {
    /// `nil` if nothing follows the offset yet.
    package let block: EventBlock?
    package let head: LogHead

    package init(block: EventBlock?, head: LogHead) {
        self.block = block
        self.head = head
    }
}

package enum LogStoreError: Error, Equatable {
    case unknownExecution
    /// A backup was put back since the client's incarnation. Nothing was taken or given.
    case otherIncarnation(Restoration, head: Offset)
    /// The log's last event is its `end`; nothing can follow it.
    case ended(head: Offset)
    /// The append follows a head that the log has not reached.
    case outOfOrder(head: Offset)
    /// The log holds something else where the append has its events. They were not taken, and never will be.
    case differentContent(head: Offset)
    /// The log has reached its limit: only notices and the `end` are taken.
    case logFull(head: Offset)
    /// The disk is full. Nothing was kept; the same append may be tried again.
    case noSpace
    /// What is stored of the log, or of an execution, can't be what was written. It stays so; other logs are not
    /// affected.
    case damaged(String)
    /// The store can't be used now. Nothing was acknowledged; the same append may be tried again.
    case unavailable(String)
}

package import Everyline
package import Logging

/// Sends messages to the reconciler. It keeps no order, and may give a message twice.
package protocol ReconcileQueue: Sendable {
    /// - Parameter delay: after which the message is given out at the earliest; whole seconds, up to 15 minutes.
    /// - Throws: any error, if perhaps it was not sent. Then it may be sent again.
    func send(_ message: ReconcileMessage, after delay: Duration) async throws
}

/// The queue of reconciling in SQS: a standard one, for a FIFO queue has no delay for a single message.
package struct SQSReconcileQueue: ReconcileQueue {
    private let queue: SQSQueue

    package init(_ queue: SQSQueue) { self.queue = queue }

    package func send(_ message: ReconcileMessage, after delay: Duration) async throws {
        try await queue.send(message.body, after: delay)
    }
}

/// Has holes looked into that a sequencer leaves behind, each once: while a line is wanted, its request is on its way.
package final class RepairRequests: Sendable {
    private let queue: any ReconcileQueue
    private let delay: Duration
    private let logger: Logger
    /// The line that was wanted when each execution's hole was last asked for.
    private let asked = BoundedCache<ExecutionID, UInt64>(limit: 4096)

    /// - Parameter delay: in which a late batch may close the hole by itself.
    package init(queue: any ReconcileQueue, delay: Duration, logger: Logger) {
        self.queue = queue
        self.delay = delay
        self.logger = logger
    }

    package func request(_ execution: ExecutionID, _ next: UInt64) async throws {
        guard asked[execution] != next else { return }
        logger.notice("Lines are missing", metadata: ["execution_id": "\(execution)", "next": "\(next)"])
        try await queue.send(ReconcileMessage(.probe, of: execution), after: delay)
        asked[execution] = next
    }
}

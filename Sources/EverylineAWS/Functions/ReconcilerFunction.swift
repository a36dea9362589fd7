package import Everyline
package import Logging

/// Compares logs with CloudWatch: where lines are missing, where a task has stopped, and where a client asks.
///
///     EventBridge: a task has stopped ─► Completion ─┐
///     Sequencer: a hole ─────────────────────────────┼─► reconcile queue ─► Reconciler ─► ledger, and notifies every
///     viewer API, Connection: a client asks ────────────────┘        └─ again, after a pause ◄─┘
package struct ReconcilerFunction: QueueHandler {
    private let reconciler: Reconciler
    private let source: @Sendable (LogStreamName) -> any LogSource
    private let inspect: @Sendable (ExecutionID) async throws -> TaskState?
    private let probeWithoutTask: @Sendable (ExecutionID) async throws -> Duration?
    private let queue: any ReconcileQueue
    private let pause: Duration
    private let requeue: Requeue
    private let logger: Logger

    /// - Parameters:
    ///   - source: reads one stream of CloudWatch.
    ///   - inspect: where an execution's output is, and how its task has ended; `nil` if it has no task.
    ///   - probeWithoutTask: probes an execution that has no task; after which time to probe again, if so.
    ///   - pause: how long CloudWatch is given between two readings to show what it has taken.
    package init(
        reconciler: Reconciler, source: @escaping @Sendable (LogStreamName) -> any LogSource,
        inspect: @escaping @Sendable (ExecutionID) async throws -> TaskState?,
        probeWithoutTask: @escaping @Sendable (ExecutionID) async throws -> Duration?, queue: any ReconcileQueue,
        pause: Duration, requeue: @escaping Requeue, logger: Logger
    ) {
        self.reconciler = reconciler
        self.source = source
        self.inspect = inspect
        self.probeWithoutTask = probeWithoutTask
        self.queue = queue
        self.pause = pause
        self.requeue = requeue
        self.logger = logger
    }

    package func process(
        _ records: [SQSEvent.Record], in invocation: String, until deadline: Timestamp
    ) async -> [SQSEvent.Record] {
        var failed: [SQSEvent.Record] = []
        for record in records where await !process(record, until: deadline) {
            failed.append(record)
            await requeue(record, .seconds(10))
        }
        return failed
    }

    /// - Returns: whether the message can be deleted.
    private func process(_ record: SQSEvent.Record, until deadline: Timestamp) async -> Bool {
        do {
            try await reconcile(try ReconcileMessage(body: record.body), until: deadline)
            return true
        } catch LogStoreError.unknownExecution {
            logger.notice("A log to be reconciled is gone", metadata: ["message": "\(record.messageID)"])
            return true
        } catch {
            // One that can't be read comes to the dead letters after its last try.
            logger.error("A log was not reconciled", metadata: ["message": "\(record.messageID)", "error": "\(error)"])
            return false
        }
    }

    private func reconcile(_ message: ReconcileMessage, until deadline: Timestamp) async throws {
        var cause = message.cause
        let stream: LogStreamName
        switch cause {
        case .stopped(let task):
            stream = task.stream
        case .probe:
            guard let state = try await inspect(message.execution) else {
                if let later = try await probeWithoutTask(message.execution) {
                    try await queue.send(ReconcileMessage(.probe, of: message.execution), after: later)
                }
                return
            }
            stream = state.stream
            if let task = state.stopped { cause = .stopped(task) }
        }
        var request = Reconciler.Request(seen: message.seen, place: message.place)
        if case .stopped(let task) = cause {
            request.stopped = .init(task.outcome, at: task.stoppedAt, reason: task.reason)
        }
        switch try await reconciler.reconcile(message.execution, request, from: source(stream), until: deadline) {
        case .done: break
        case .again(let request, let afterPause):
            try await queue.send(
                ReconcileMessage(cause, of: message.execution, seen: request.seen, place: request.place),
                after: afterPause ? pause : .zero)
        }
    }
}

/// What ECS says of an execution's task.
package struct TaskState: Sendable, Equatable {
    /// Where its output is.
    package let stream: LogStreamName
    /// How it has ended; `nil` while it runs, or isn't known yet.
    package let stopped: StoppedTask?

    package init(stream: LogStreamName, stopped: StoppedTask?) {
        self.stream = stream
        self.stopped = stopped
    }
}

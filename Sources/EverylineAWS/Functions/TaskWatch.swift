package import Everyline
package import Logging

/// Asks for probes of executions' tasks: that a task has stopped is said once, and if that was lost, nothing else ends
/// the log.
///
///     status, logs, stop; a ping ─► TaskWatch ─► reconcile queue ─► Reconciler: has it stopped? is something missing?
///
/// A task's liveness is checked when a client asks for its execution, so nothing runs while none asks. Each instance
/// checks an execution at most once a minute.
package final class TaskWatch: Sendable {
    private let queue: any ReconcileQueue
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    /// The minute in which each execution was last asked for.
    private let asked = BoundedCache<ExecutionID, Int64>(limit: 4096)

    package init(queue: any ReconcileQueue, now: @escaping @Sendable () -> Timestamp, logger: Logger) {
        self.queue = queue
        self.now = now
        self.logger = logger
    }

    /// A failure is only logged: the next request for this execution does it again.
    package func probe(_ execution: ExecutionID) async {
        let minute = now().milliseconds / 60_000
        let isFirst = asked.change(execution) { known in
            defer { known = minute }
            return known != minute
        }
        guard isFirst else { return }
        do {
            try await queue.send(ReconcileMessage(.probe, of: execution), after: .zero)
        } catch {
            asked[execution] = nil
            logger.notice(
                "A probe of a task was not asked for", metadata: ["execution_id": "\(execution)", "error": "\(error)"])
        }
    }
}

package import Everyline
package import Logging
import Synchronization

/// Asks for probes of executions' tasks: that a task has stopped is said once, and if that was lost, nothing else ends the log.
///
///     status, logs, stop; a ping ─► TaskWatch ─► reconcile queue ─► Reconciler: has it stopped? is something missing?
///
/// A task's liveness is checked when a client asks for its execution, so nothing runs while none asks. Each instance checks an
/// execution at most once a minute.
package final class TaskWatch: Sendable {
    private let queue: any ReconcileQueue
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    /// The minute in which each execution was last asked for.
    private let asked = Mutex<[ExecutionID: Int64]>([:])
    private static let memory = 4096

    package init(queue: any ReconcileQueue, now: @escaping @Sendable () -> Timestamp, logger: Logger) {
        self.queue = queue
        self.now = now
        self.logger = logger
    }

    /// A failure is only logged: the next request for this execution does it again.
    package func probe(_ execution: ExecutionID) async {
        let minute = now().milliseconds / 60_000
        let isFirst = asked.withLock { asked in
            if asked.count >= Self.memory { asked.removeAll() }
            return asked.updateValue(minute, forKey: execution) != minute
        }
        guard isFirst else { return }
        do {
            try await queue.send(ReconcileMessage(.probe, of: execution), after: .zero)
        } catch {
            asked.withLock { $0[execution] = nil }
            logger.notice(
                "A probe of a task was not asked for", metadata: ["execution_id": "\(execution)", "error": "\(error)"])
        }
    }
}

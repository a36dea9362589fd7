package import Everyline

/// Looks after executions whose start was cut off: the API's process died before it had noted the task, or before it
/// had asked for one.
///
///     a client asks, or stops ─► reconcile queue ─► LostStarts: ECS knows a task? note it : too old? end : probe again
///
/// A task that is noted here is probed like any other from then on; ``TaskInspection`` stops it if that was asked for.
package struct LostStarts: Sendable {
    /// For how long a repeated request may still start the command.
    package static let restart: Duration = .seconds(5 * 60)
    /// When it is given up: later, so that ECS shows a task that was started at the last moment.
    static let patience: Duration = .seconds(10 * 60)
    /// The same once a stop was asked for, from the request on: no request starts the command any more, and one that
    /// was under way has ended with its function, after 29 s.
    static let stopPatience: Duration = .seconds(60)

    private let executions: any ExecutionStore
    private let find: @Sendable (ExecutionID) async throws -> ExecutionTask?
    private let tasks: any TaskStore
    private let end:
        @Sendable (ExecutionID, ExecutionOutcome, (code: NoticeCode, message: String)?) async throws -> Void
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - find: the execution's task as ECS knows it.
    ///   - end: appends a notice and the `end` to a log; one that has ended stays as it is.
    package init(
        executions: any ExecutionStore, tasks: any TaskStore,
        find: @escaping @Sendable (ExecutionID) async throws -> ExecutionTask?,
        now: @escaping @Sendable () -> Timestamp,
        end:
            @escaping @Sendable (ExecutionID, ExecutionOutcome, (code: NoticeCode, message: String)?) async throws
            -> Void
    ) {
        self.executions = executions
        self.tasks = tasks
        self.find = find
        self.now = now
        self.end = end
    }

    /// Probes an execution of which no task is known.
    ///
    /// - Returns: after which time to probe again; `nil` if that isn't needed.
    /// - Throws: what its parts throw.
    package func probe(_ id: ExecutionID) async throws -> Duration? {
        let execution = try await executions.execution(id)
        guard execution.producer == .runner, !execution.status.isTerminal else { return nil }
        if let task = try await find(id) {
            try await tasks.add(task, of: id)
            return .seconds(1)
        }
        let givenUp = execution.createdAt + Self.patience
        let stop = execution.status == .terminating ? execution.stopRequestedAt.map { $0 + Self.stopPatience } : nil
        let rest = min(stop ?? givenUp, givenUp).milliseconds - now().milliseconds
        guard rest <= 0 else { return .seconds(min(rest / 1000 + 1, 900)) }
        guard execution.createdAt + TaskInspection.memory > now() else {
            // There may have been a task that ECS knows no more.
            try await end(
                id, ExecutionOutcome(status: stop == nil ? .failed : .stopped, exitCode: nil, reason: .runnerLost), nil)
            return nil
        }
        let outcome =
            stop == nil
            ? ExecutionOutcome(status: .failed, exitCode: 126, reason: .notStarted)
            : ExecutionOutcome(status: .stopped, exitCode: nil, reason: .notStarted)
        try await end(
            id, outcome,
            (.notStarted, "The command was not started: the request that should have started it was cut off."))
        return nil
    }
}

package import Everyline

/// Looks after executions whose start was cut off: the API's process died before it had noted the task, or before it had asked for one.
///
///     a client asks ─► reconcile queue ─► LostStarts: ECS knows a task? note it : too old? end : look again
package struct LostStarts: Sendable {
    /// For how long a repeated request may still start the command.
    package static let restart: Duration = .seconds(5 * 60)
    /// When it is given up: later, so that ECS shows a task that was started at the last moment.
    static let patience: Duration = .seconds(10 * 60)

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

    /// Looks at an execution of which no task is known.
    ///
    /// - Returns: after which time to look again; `nil` if that isn't needed.
    /// - Throws: what its parts throw.
    package func look(at id: ExecutionID) async throws -> Duration? {
        let execution = try await executions.execution(id)
        guard execution.producer == .runner, !execution.status.isTerminal else { return nil }
        if let task = try await find(id) {
            try await tasks.add(task, of: id)
            return .seconds(1)
        }
        let age = now().milliseconds - execution.createdAt.milliseconds
        let rest = Self.patience.milliseconds - age
        guard rest <= 0 else { return .seconds(min(rest / 1000 + 1, 900)) }
        try await end(
            id, ExecutionOutcome(status: .failed, exitCode: 126, reason: .notStarted),
            (.notStarted, "The command was not started: the request that should have started it was cut off."))
        return nil
    }
}

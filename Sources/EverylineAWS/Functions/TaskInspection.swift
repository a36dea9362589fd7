package import Everyline

/// Says where an execution's output is, and whether its task has stopped, by asking ECS.
///
/// A task that runs although its execution's stop was asked for is stopped: the request came before the task was known.
package struct TaskInspection: Sendable {
    private let tasks: any TaskStore
    private let describe: @Sendable (_ arn: String) async throws -> ECSTask?
    private let stop: @Sendable (_ arn: String) async throws -> Void
    private let execution: @Sendable (ExecutionID) async throws -> Execution
    private let now: @Sendable () -> Timestamp

    /// For how long ECS knows a task that has stopped, at the least (guide of `DescribeTasks`).
    static let memory: Duration = .seconds(60 * 60)

    /// - Parameters:
    ///   - describe: what ECS says of a task; `nil` if it doesn't know it.
    ///   - stop: asks ECS to stop a task; one that is stopping already stays as it is.
    package init(
        tasks: any TaskStore, describe: @escaping @Sendable (_ arn: String) async throws -> ECSTask?,
        stop: @escaping @Sendable (_ arn: String) async throws -> Void,
        execution: @escaping @Sendable (ExecutionID) async throws -> Execution,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.tasks = tasks
        self.describe = describe
        self.stop = stop
        self.execution = execution
        self.now = now
    }

    /// - Returns: `nil` if the execution has no task.
    /// - Throws: any error, if that can't be said now.
    package func inspect(_ execution: ExecutionID) async throws -> TaskState? {
        guard let task = try await tasks.task(of: execution) else { return nil }
        return TaskState(stream: task.stream, stopped: try await stopped(task, of: execution))
    }

    private func stopped(_ task: ExecutionTask, of execution: ExecutionID) async throws -> StoppedTask? {
        if let known = try await describe(task.arn) {
            guard known.lastStatus == "STOPPED" else {
                if try await self.execution(execution).status == .terminating { try await stop(task.arn) }
                return nil
            }
            return StoppedTask(
                stream: task.stream, outcome: known.outcome, stoppedAt: known.stoppedAt?.time ?? now(),
                reason: known.startFailure)
        }
        // A task that was started just now may not be known yet. How a task ended that ECS has forgotten, it can't say
        // any more.
        guard try await self.execution(execution).createdAt + Self.memory < now() else { return nil }
        let outcome = ExecutionOutcome(status: .failed, exitCode: nil, reason: .runnerLost)
        return StoppedTask(stream: task.stream, outcome: outcome, stoppedAt: now())
    }
}

/// How an execution's task ended, and where its output is.
package struct StoppedTask: Sendable, Equatable {
    package let stream: LogStreamName
    package let outcome: ExecutionOutcome
    package let stoppedAt: Timestamp
    /// Why nothing was started, in AWS's words.
    package let reason: String?

    package init(
        stream: LogStreamName, outcome: ExecutionOutcome, stoppedAt: Timestamp, reason: String? = nil
    ) {
        self.stream = stream
        self.outcome = outcome
        self.stoppedAt = stoppedAt
        self.reason = reason
    }
}

/// One stream of a log group of CloudWatch.
package struct LogStreamName: Sendable, Hashable {
    package let group: String
    package let name: String

    package init(group: String, name: String) {
        self.group = group
        self.name = name
    }
}

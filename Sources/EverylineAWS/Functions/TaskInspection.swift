package import Everyline

/// Says where an execution's output is, and whether its task has stopped, by asking ECS.
package struct TaskInspection: Sendable {
    private let tasks: any TaskStore
    private let describe: @Sendable (_ arn: String) async throws -> ECSTask?
    private let createdAt: @Sendable (ExecutionID) async throws -> Timestamp
    private let now: @Sendable () -> Timestamp

    /// For how long ECS knows a task that has stopped, at the least (guide of `DescribeTasks`).
    private static let memory: Duration = .seconds(60 * 60)

    /// - Parameters:
    ///   - describe: what ECS says of a task; `nil` if it doesn't know it.
    ///   - createdAt: when an execution was made.
    package init(
        tasks: any TaskStore, describe: @escaping @Sendable (_ arn: String) async throws -> ECSTask?,
        createdAt: @escaping @Sendable (ExecutionID) async throws -> Timestamp,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.tasks = tasks
        self.describe = describe
        self.createdAt = createdAt
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
            guard known.lastStatus == "STOPPED" else { return nil }
            return StoppedTask(
                stream: task.stream, outcome: known.outcome, stoppedAt: known.stoppedAt?.time ?? now(),
                reason: known.startFailure)
        }
        // A task that was started just now may not be known yet. Of one that is known no more, nobody knows how it ended.
        guard try await createdAt(execution) + Self.memory < now() else { return nil }
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

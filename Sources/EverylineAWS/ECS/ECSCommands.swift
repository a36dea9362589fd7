package import Everyline

/// Runs executions' commands as tasks of ECS on Fargate, one task for each.
package struct ECSCommands: Sendable {
    /// Where tasks run.
    package struct Placement: Sendable, Equatable {
        package var taskDefinition: String
        package var subnets: [String]
        package var securityGroups: [String]
        package var assignsPublicIP: Bool

        package init(
            taskDefinition: String, subnets: [String], securityGroups: [String], assignsPublicIP: Bool
        ) {
            self.taskDefinition = taskDefinition
            self.subnets = subnets
            self.securityGroups = securityGroups
            self.assignsPublicIP = assignsPublicIP
        }
    }

    /// What ECS takes of overrides in all (ECS service quotas), with room for what is around them.
    private static let overridesLimit: ByteCount = 7800

    private let cluster: ECSCluster
    private let placement: Placement
    private let tasks: any TaskStore
    private let stream: @Sendable (ECSTask) -> LogStreamName

    /// - Parameter stream: where a task's output goes.
    package init(
        cluster: ECSCluster, placement: Placement, tasks: any TaskStore,
        stream: @escaping @Sendable (ECSTask) -> LogStreamName
    ) {
        self.cluster = cluster
        self.placement = placement
        self.tasks = tasks
        self.stream = stream
    }

    /// Starts an execution's command. Repeating it starts nothing more.
    ///
    /// - Throws: ``CommandsError``, or ``AWSError`` if no task was started.
    package func start(_ request: RunRequest, as execution: ExecutionID) async throws {
        let environment = request.env ?? [:]
        let size =
            request.command.reduce(0) { $0 + $1.utf8.count + 3 }
            + environment.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 24 }
        guard size <= Self.overridesLimit else { throw CommandsError.tooLong(limit: Self.overridesLimit) }
        let task = try await cluster.run(
            ECSCluster.NewTask(
                taskDefinition: placement.taskDefinition, container: RunnerScript.container,
                command: RunnerScript.arguments(
                    of: execution, command: request.command, timeoutSeconds: request.timeoutSeconds,
                    directory: request.workingDirectory),
                environment: environment, subnets: placement.subnets, securityGroups: placement.securityGroups,
                assignsPublicIP: placement.assignsPublicIP, startedBy: execution.rawValue,
                clientToken: execution.rawValue))
        // If this is lost, lines reach the log all the same, by the drain; only not before the command has ended.
        try await tasks.add(ExecutionTask(arn: task.taskArn, stream: stream(task)), of: execution)
    }

    /// Asks for an execution's task to be stopped. What its end is, ECS says by itself then.
    ///
    /// - Returns: whether there is a task.
    package func stop(_ execution: ExecutionID) async throws -> Bool {
        guard let task = try await tasks.task(of: execution) else { return false }
        try await cluster.stop(task.arn, reason: "stop requested")
        return true
    }
}

package enum CommandsError: Error, Equatable, CustomStringConvertible {
    /// ECS takes no more than that of a command and its environment.
    case tooLong(limit: ByteCount)

    package var description: String {
        switch self {
        case .tooLong(let limit): "the command and its environment may have about \(limit) bytes together on ECS"
        }
    }
}

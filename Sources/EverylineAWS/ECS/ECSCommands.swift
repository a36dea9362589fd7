package import Everyline

/// Runs executions' commands as tasks of ECS on Fargate, one task for each.
package struct ECSCommands: Sendable {
    /// Where tasks run.
    package struct Placement: Sendable, Equatable {
        package var taskDefinition: String
        package var subnets: [String]
        package var securityGroups: [String]
        package var assignsPublicIP: Bool
        /// After how long a command is ended that names no limit of its own; `nil` for never.
        package var timeoutSeconds: Int?

        package init(
            taskDefinition: String, subnets: [String], securityGroups: [String], assignsPublicIP: Bool,
            timeoutSeconds: Int? = nil
        ) {
            self.taskDefinition = taskDefinition
            self.subnets = subnets
            self.securityGroups = securityGroups
            self.assignsPublicIP = assignsPublicIP
            self.timeoutSeconds = timeoutSeconds
        }
    }

    /// How many characters ECS takes of overrides in all, the characters of their JSON included (ECS API reference,
    /// `RunTask`).
    package static let overridesLimit = 8192

    private let cluster: ECSCluster
    private let placement: Placement
    private let tasks: any TaskStore
    private let profiles: @Sendable (_ name: String) async throws -> CommandProfile?
    private let stream: @Sendable (_ taskID: String) -> LogStreamName

    /// - Parameters:
    ///   - profiles: those that an administrator has made, by their names.
    ///   - stream: where a task's output goes.
    package init(
        cluster: ECSCluster, placement: Placement, tasks: any TaskStore,
        profiles: @escaping @Sendable (_ name: String) async throws -> CommandProfile?,
        stream: @escaping @Sendable (_ taskID: String) -> LogStreamName
    ) {
        self.cluster = cluster
        self.placement = placement
        self.tasks = tasks
        self.profiles = profiles
        self.stream = stream
    }

    /// Whether there is the request's profile with its secrets, and ECS takes the command and its environment, under
    /// whatever id.
    ///
    /// - Throws: ``CommandsError`` if not; what the store of profiles throws.
    package func check(_ request: RunRequest) async throws {
        // All ids that are made have one length.
        var generator = SystemGenerator()
        let task = try await task(of: request, as: ExecutionID(at: Timestamp(milliseconds: 0), using: &generator))
        // ECS says characters; where one has several bytes, its JSON's UTF-16 is what a service in Java counts.
        let length = String(decoding: try AWSClient.json(task.overrides), as: UTF8.self).utf16.count
        guard length <= Self.overridesLimit else { throw CommandsError.tooLong(length, limit: Self.overridesLimit) }
    }

    /// Starts an execution's command. Repeating it starts nothing more: ECS knows the client token, which is the
    /// execution's id.
    ///
    /// - Throws: ``CommandsError/refused(_:)`` if no task was started and none will be; any other error if that isn't
    ///   known.
    package func start(_ request: RunRequest, as execution: ExecutionID) async throws {
        let task: ECSTask
        do {
            task = try await cluster.run(try await self.task(of: request, as: execution))
        } catch let error as AWSError where error.code == .conflict {
            // It was started before, and the stack has been updated since. `LostStarts` finds the task.
            return
        } catch let error as AWSError where error.saysNothingWasDone {
            throw CommandsError.refused(error.message.oneLine(limit: .kibibytes(4)))
        }
        // Without this item the Sequencer doesn't know the task's stream. The Reconciler brings the lines from
        // CloudWatch then, once a client asks for the execution.
        try await tasks.add(ExecutionTask(arn: task.taskArn, stream: stream(task.id)), of: execution)
    }

    /// Asks for an execution's task to be stopped. What its end is, ECS says by itself then.
    ///
    /// - Returns: whether there is a task.
    package func stop(_ execution: ExecutionID) async throws -> Bool {
        guard let task = try await tasks.task(of: execution) else { return false }
        try await cluster.stop(task.arn, reason: "stop requested")
        return true
    }

    private func task(of request: RunRequest, as execution: ExecutionID) async throws -> ECSCluster.NewTask {
        var environment = request.env ?? [:]
        var taskDefinition = placement.taskDefinition
        if let name = request.profile {
            guard let profile = try await profiles(name) else { throw CommandsError.noProfile(name) }
            try profile.add(request.secrets ?? [], to: &environment)
            taskDefinition = profile.taskDefinition
        } else if let secret = request.secrets?.first {
            throw CommandsError.noSecret(secret, profile: nil)
        }
        return ECSCluster.NewTask(
            taskDefinition: taskDefinition, container: RunnerScript.container,
            command: RunnerScript.arguments(
                of: execution, command: request.command,
                timeoutSeconds: request.timeoutSeconds ?? placement.timeoutSeconds,
                directory: request.workingDirectory),
            environment: environment, cpu: request.cpu, memory: request.memory, subnets: placement.subnets,
            securityGroups: placement.securityGroups,
            assignsPublicIP: placement.assignsPublicIP, startedBy: execution.rawValue,
            clientToken: execution.rawValue)
    }
}

package enum CommandsError: Error, Equatable, CustomStringConvertible {
    /// ECS takes no more than `limit` characters of a command and its environment, as JSON.
    case tooLong(Int, limit: Int)
    /// ECS has refused to start the command: why, in its words.
    case refused(String)
    case noProfile(String)
    /// The profile, or the default one, doesn't declare it.
    case noSecret(String, profile: String?)
    /// A variable may not stand in the place of a secret.
    case takenName(String)

    package var description: String {
        switch self {
        case .tooLong(let length, let limit):
            "ECS takes \(limit) characters of a command and its environment, as JSON; these are \(length)"
        case .refused(let reason): "ECS refused to start the command: \(reason)"
        case .noProfile(let name): "There is no profile \(name)"
        case .noSecret(let name, let profile?): "The profile \(profile) declares no secret \(name)"
        case .noSecret(let name, nil): "The secret \(name) needs a profile that declares it"
        case .takenName(let name): "The variable \(name) is the profile's own, and env can't set it"
        }
    }
}

extension AWSError {
    /// Whether the service has refused the one attempt that there was, for good. After several attempts the first may
    /// have been carried out, though its answer was lost.
    fileprivate var saysNothingWasDone: Bool {
        guard code != .taskNotStarted else { return true }
        guard attempts == 1, let status, (400..<500).contains(status), case .permanent = AWSFailure(self) else {
            return false
        }
        return true
    }
}

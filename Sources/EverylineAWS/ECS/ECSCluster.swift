/// The tasks of one cluster. All throw ``AWSError``.
package struct ECSCluster: Sendable {
    private let client: AWSClient
    private let name: String

    /// - Parameter name: the cluster's name or ARN.
    package init(_ name: String, client: AWSClient) {
        self.name = name
        self.client = client
    }

    /// A task to be run on Fargate.
    package struct NewTask: Sendable, Equatable {
        package var taskDefinition: String
        /// The container whose command and environment are overridden.
        package var container: String
        package var command: [String]
        package var environment: [String: String]
        /// In 1024ths of a processor, and in MiB; `nil` for the definition's.
        package var cpu: Int?
        package var memory: Int?
        package var subnets: [String]
        package var securityGroups: [String]
        package var assignsPublicIP: Bool
        /// By which its tasks are found again and its events told apart.
        package var startedBy: String
        /// By which the service knows the request again, so that a repeated one starts nothing: at most 64 bytes.
        package var clientToken: String

        package init(
            taskDefinition: String, container: String, command: [String], environment: [String: String],
            cpu: Int? = nil, memory: Int? = nil, subnets: [String], securityGroups: [String], assignsPublicIP: Bool,
            startedBy: String,
            clientToken: String
        ) {
            self.taskDefinition = taskDefinition
            self.container = container
            self.command = command
            self.environment = environment
            self.cpu = cpu
            self.memory = memory
            self.subnets = subnets
            self.securityGroups = securityGroups
            self.assignsPublicIP = assignsPublicIP
            self.startedBy = startedBy
            self.clientToken = clientToken
        }

        var overrides: RunTaskInput.Overrides {
            let environment = environment.sorted { $0.key < $1.key }.map {
                RunTaskInput.NamedValue(name: $0.key, value: $0.value)
            }
            return .init(
                containerOverrides: [.init(name: container, command: command, environment: environment)],
                cpu: cpu.map { "\($0)" }, memory: memory.map { "\($0)" })
        }
    }

    /// Starts a task.
    ///
    /// - Throws: ``AWSError`` with the code ``AWSError/Code/taskNotStarted`` where the service took the request but had
    ///   no place for the task; its message says why.
    package func run(_ task: NewTask) async throws -> ECSTask {
        let input = RunTaskInput(
            cluster: name, taskDefinition: task.taskDefinition, count: 1, launchType: "FARGATE",
            startedBy: task.startedBy, clientToken: task.clientToken,
            networkConfiguration: .init(
                awsvpcConfiguration: .init(
                    subnets: task.subnets, securityGroups: task.securityGroups,
                    assignPublicIp: task.assignsPublicIP ? "ENABLED" : "DISABLED")),
            overrides: task.overrides)
        let output = try await client.call("RunTask", of: .ecs, input, giving: TasksOutput.self)
        guard let started = output.tasks?.first else {
            let reason = output.failures?.first?.reason ?? "no task was started"
            throw AWSError(.taskNotStarted, operation: "ecs.RunTask", message: reason)
        }
        return started
    }

    /// Asks a task to stop: SIGTERM, and SIGKILL after its container's stop timeout.
    package func stop(_ task: String, reason: String) async throws {
        try await client.call("StopTask", of: .ecs, StopTaskInput(cluster: name, task: task, reason: reason))
    }

    /// The containers of a task definition.
    func definition(_ name: String) async throws -> [DescribeTaskDefinitionOutput.Container] {
        let input = DescribeTaskDefinitionInput(taskDefinition: name)
        return try await client.call(
            "DescribeTaskDefinition", of: .ecs, input, giving: DescribeTaskDefinitionOutput.self
        ).taskDefinition?.containerDefinitions ?? []
    }

    /// The ARN of a task that was started by this name, whether it runs or has stopped within the last hour; `nil` if
    /// there is none that the service shows by now.
    package func task(startedBy name: String) async throws -> String? {
        for status in ["RUNNING", "STOPPED"] {
            let input = ListTasksInput(cluster: self.name, startedBy: name, desiredStatus: status)
            let found = try await client.call("ListTasks", of: .ecs, input, giving: ListTasksOutput.self).taskArns?
                .first
            if let found { return found }
        }
        return nil
    }

    /// The tasks with these ARNs that the service still knows (a stopped one for about an hour).
    ///
    /// - Precondition: there are 1 to 100.
    package func describe(_ tasks: [String]) async throws -> [ECSTask] {
        precondition((1...100).contains(tasks.count), "ECS describes 1 to 100 tasks at once, not \(tasks.count)")
        let input = DescribeTasksInput(cluster: name, tasks: tasks)
        return try await client.call("DescribeTasks", of: .ecs, input, giving: TasksOutput.self).tasks ?? []
    }
}

extension AWSError.Code {
    package static let taskNotStarted = Self("TaskNotStarted")
    /// A `RunTask` with this client token was carried out before, with other parameters.
    package static let conflict = Self("ConflictException")
}

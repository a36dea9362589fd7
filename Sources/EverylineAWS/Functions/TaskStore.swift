package import Everyline

/// Knows which task of ECS carries an execution, and which execution writes to a stream of CloudWatch.
package protocol TaskStore: Sendable {
    /// Notes an execution's task. Both ways of finding it are there when this returns.
    func add(_ task: ExecutionTask, of execution: ExecutionID) async throws

    /// The task of an execution; `nil` if none was started.
    func task(of execution: ExecutionID) async throws -> ExecutionTask?

    /// The execution whose output goes to this stream; `nil` if that is not known (yet).
    func execution(of stream: LogStreamName) async throws -> ExecutionID?
}

/// The task of ECS that runs an execution's command.
package struct ExecutionTask: Sendable, Equatable {
    package let arn: String
    package let stream: LogStreamName

    package init(arn: String, stream: LogStreamName) {
        self.arn = arn
        self.stream = stream
    }
}

/// Executions' tasks in the one table: `E#execution / TASK {task_arn, log_group, log_stream}`, and by stream
/// `S#group / stream {execution}`.
package struct DynamoDBTaskStore: TaskStore {
    private let table: DynamoDBTable

    package init(_ table: DynamoDBTable) { self.table = table }

    /// The records are kept for as long as the execution's own.
    package func add(_ task: ExecutionTask, of execution: ExecutionID) async throws {
        let expires = try await table.get(RecordKey.meta(execution))?["expires_s"]
        var byStream = Self.key(task.stream).attributes
        byStream["execution"] = .string(execution.rawValue)
        byStream["expires_s"] = expires
        try await table.put(byStream)
        var byExecution = Self.key(execution).attributes
        byExecution["task_arn"] = .string(task.arn)
        byExecution["log_group"] = .string(task.stream.group)
        byExecution["log_stream"] = .string(task.stream.name)
        byExecution["expires_s"] = expires
        try await table.put(byExecution)
    }

    package func task(of execution: ExecutionID) async throws -> ExecutionTask? {
        guard let item = try await table.get(Self.key(execution)) else { return nil }
        return ExecutionTask(
            arn: try item.string("task_arn"),
            stream: LogStreamName(group: try item.string("log_group"), name: try item.string("log_stream")))
    }

    package func execution(of stream: LogStreamName) async throws -> ExecutionID? {
        guard let item = try await table.get(Self.key(stream)) else { return nil }
        return ExecutionID(try item.string("execution"))
    }

    private static func key(_ execution: ExecutionID) -> DynamoDBTable.Key { .init("E#\(execution)", "TASK") }
    private static func key(_ stream: LogStreamName) -> DynamoDBTable.Key { .init("S#\(stream.group)", stream.name) }
}

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

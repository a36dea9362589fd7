package import Everyline

/// The queue of logs' events in SQS; the message group is the execution.
package struct SQSLogsQueue: LogsQueue {
    private let queue: SQSQueue

    package init(_ queue: SQSQueue) { self.queue = queue }

    package func send(_ messages: [Identified<LogsMessage>], of execution: ExecutionID) async throws {
        let messages = try messages.map { message in
            guard let body = message.message.body else { throw LambdaEventError.tooLarge(limit: LogsMessage.limit) }
            return SQSQueue.Message(body, group: execution.rawValue, deduplicationID: message.id)
        }
        try await queue.send(messages)
    }
}

package import Everyline

/// Sends messages to the sequencer, in the order of the calls for each execution.
///
/// A repeated message under the same id is dropped within five minutes and does no harm after that.
package protocol LogsQueue: Sendable {
    /// - Throws: any error, if perhaps not all were sent. Then all may be sent again.
    func send(_ messages: [Identified<LogsMessage>], of execution: ExecutionID) async throws
}

/// A message and the name by which the queue knows a repeated one.
package struct Identified<Message: Sendable>: Sendable {
    package let id: String
    package let message: Message

    package init(_ message: Message, id: String) {
        self.message = message
        self.id = id
    }
}

extension Identified: Equatable where Message: Equatable {}

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

package import Everyline
package import NIOCore

/// What a function does with a queue's messages: the part of it that knows nothing of how AWS writes them down.
package protocol QueueHandler: LambdaHandler {
    /// Carries out the messages, each until it is done or must come again.
    ///
    /// - Parameters:
    ///   - invocation: its name, which no other invocation has.
    ///   - deadline: when Lambda kills the function.
    /// - Returns: the messages that must come again. Of a FIFO queue's group these are **all** from the first that
    ///   could not be carried out, or those behind it overtake it.
    func process(
        _ records: [SQSEvent.Record], in invocation: String, until deadline: Timestamp
    ) async -> [SQSEvent.Record]
}

extension QueueHandler {
    package func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer {
        let event = try LambdaEvent.decode(SQSEvent.self, from: invocation.payload)
        let failed = await process(event.records, in: invocation.id, until: invocation.deadline)
        return try LambdaEvent.encode(SQSBatchResponse(unprocessed: failed.map(\.messageID)))
    }

    /// Carries out each group of a FIFO queue's messages by itself, all side by side: groups know nothing of each
    /// other.
    ///
    /// - Parameter body: gives those of its group that must come again.
    func forEachGroup(
        of records: [SQSEvent.Record],
        _ body: @escaping @Sendable (_ group: String, _ records: [SQSEvent.Record]) async -> [SQSEvent.Record]
    ) async -> [SQSEvent.Record] {
        var groups: [(name: String, records: [SQSEvent.Record])] = []
        for record in records {
            if let index = groups.firstIndex(where: { $0.name == record.attributes.group }) {
                groups[index].records.append(record)
            } else {
                groups.append((record.attributes.group, [record]))
            }
        }
        return await withTaskGroup(of: [SQSEvent.Record].self) { tasks in
            for (group, records) in groups { tasks.addTask { await body(group, records) } }
            return await tasks.reduce(into: []) { $0 += $1 }
        }
    }
}

/// Lets a message that goes back to its queue be given out again after a while, instead of after its visibility
/// timeout. That it may fail changes only how long the message takes.
package typealias Requeue = @Sendable (_ record: SQSEvent.Record, _ delay: Duration) async -> Void

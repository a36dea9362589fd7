import Crypto
import Everyline
package import Logging
package import NIOCore

/// Takes what CloudWatch's subscription brings and puts it in the queue, under the execution that wrote it.
///
///     CloudWatch Logs ─► Ingest ─► logs-events.fifo (group = execution)
///
/// Batches come late, twice, out of order or not at all; here nothing is decided about that. What this can't pass on is
/// in CloudWatch all the same, where the reconciler finds it.
package final class IngestFunction: LambdaHandler {
    private let tasks: any TaskStore
    private let queue: any LogsQueue
    private let logger: Logger
    /// A stream never changes its execution.
    private let known = BoundedCache<LogStreamName, ExecutionID>(limit: 4096)

    package init(tasks: any TaskStore, queue: any LogsQueue, logger: Logger) {
        self.tasks = tasks
        self.queue = queue
        self.logger = logger
    }

    /// - Throws: ``IngestError/unknownStream(_:)`` as long as no record says whose stream it is: the event comes again.
    package func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer {
        let event = try LogsSubscriptionEvent(invocation.payload)
        guard event.kind == .data, !event.events.isEmpty else { return .null }
        let stream = LogStreamName(group: event.group, name: event.stream)
        let execution = try await execution(of: stream)
        let messages = LinePacking.messages(of: event.events) { left in
            logger.warning(
                "An event is too large for the queue; it will be read from CloudWatch",
                metadata: ["execution_id": "\(execution)", "event_id": "\(left.id)"])
        }
        try await queue.send(messages, of: execution)
        return .null
    }

    private func execution(of stream: LogStreamName) async throws -> ExecutionID {
        if let execution = known[stream] { return execution }
        guard let execution = try await tasks.execution(of: stream) else { throw IngestError.unknownStream(stream) }
        known[stream] = execution
        return execution
    }
}

package enum IngestError: Error, Equatable {
    case unknownStream(LogStreamName)
}

extension ByteBuffer {
    /// The answer of a function whose caller ignores it.
    static let null = ByteBuffer(string: "null")
}

/// Packs events into messages that the queue takes.
enum LinePacking {
    /// What a message's events may have in bytes, so that it fits even if it can't be compressed at all.
    private static let payload: ByteCount = .kibibytes(160)
    /// What an event has beside its message.
    private static let overhead: ByteCount = 96

    /// - Parameter onLeftOut: is told of each event that is too large by itself.
    static func messages(
        of events: [CloudWatchLogs.Event], onLeftOut: (CloudWatchLogs.Event) -> Void
    ) -> [Identified<LogsMessage>] {
        var messages: [Identified<LogsMessage>] = []
        var batch: [CloudWatchLogs.Event] = []
        var size = 0
        for event in events {
            let length = event.message.utf8.count + overhead
            if size + length > payload, !batch.isEmpty {
                messages.append(identified(batch))
                (batch, size) = ([], 0)
            }
            // Nearly all text shrinks, so one that is too large is tried by itself.
            if length > payload, LogsMessage([SourceEvent(event)]).body == nil {
                onLeftOut(event)
                continue
            }
            batch.append(event)
            size += length
        }
        if !batch.isEmpty { messages.append(identified(batch)) }
        return messages
    }

    /// The id is that of the events, so that a batch which comes twice in a short time goes into the queue once.
    private static func identified(_ events: [CloudWatchLogs.Event]) -> Identified<LogsMessage> {
        var hash = SHA256()
        for event in events {
            hash.update(data: Array(event.id.utf8))
            hash.update(data: [0])
        }
        return Identified(LogsMessage(events.map(SourceEvent.init)), id: hash.finalize().hexadecimal)
    }
}

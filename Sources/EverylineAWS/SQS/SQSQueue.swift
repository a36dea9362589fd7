package import Everyline

/// The operations on one queue. All throw ``AWSError``.
package struct SQSQueue: Sendable {
    package let url: String
    private let client: AWSClient

    package init(_ url: String, client: AWSClient) {
        self.url = url
        self.client = client
    }

    /// A message for a FIFO queue.
    package struct Message: Sendable, Equatable {
        package let body: String
        /// Messages of one group are given out in order, one batch at a time.
        package let group: String
        /// Within five minutes a second message with the same id is taken and dropped. At most 128 bytes.
        package let deduplicationID: String

        package init(_ body: String, group: String, deduplicationID: String) {
            self.body = body
            self.group = group
            self.deduplicationID = deduplicationID
        }
    }

    /// The largest message, and the largest batch of them, in bytes. (The service takes 1 MiB since 2025; a quarter of
    /// that is what every region and every trigger has always taken.)
    package static let messageLimit: ByteCount = .kibibytes(256)
    /// How many messages a batch takes.
    package static let batchCount = 10

    package func send(_ message: Message) async throws {
        let input = SendMessageInput(
            queueURL: url, messageBody: message.body, messageGroupID: message.group,
            messageDeduplicationID: message.deduplicationID, delaySeconds: nil)
        try await client.call("SendMessage", of: .sqs, input)
    }

    /// Sends a message to a standard queue, which keeps no order.
    ///
    /// - Parameter delay: after which it is given out at the earliest; whole seconds, up to 15 minutes.
    package func send(_ body: String, after delay: Duration) async throws {
        let input = SendMessageInput(
            queueURL: url, messageBody: body, messageGroupID: nil, messageDeduplicationID: nil,
            delaySeconds: Int(delay.components.seconds))
        try await client.call("SendMessage", of: .sqs, input)
    }

    /// Sends messages in order, in as few requests as they fit into.
    ///
    /// When this throws, an unknown part of the messages has been sent: those before the failure. Sending all of them
    /// again under the same ids is harmless for five minutes.
    /// - Precondition: no message is larger than ``messageLimit``.
    package func send(_ messages: [Message]) async throws {
        for batch in Self.batches(messages) {
            var waiting = batch
            var refusals = 0
            while !waiting.isEmpty {
                let entries = waiting.enumerated().map {
                    SendMessageBatchInput.Entry(
                        id: "m\($0)", messageBody: $1.body, messageGroupID: $1.group,
                        messageDeduplicationID: $1.deduplicationID)
                }
                let output = try await client.call(
                    "SendMessageBatch", of: .sqs, SendMessageBatchInput(queueURL: url, entries: entries),
                    giving: BatchOutput.self)
                let failed = output.failed ?? []
                guard !failed.isEmpty else { break }
                if let fault = failed.first(where: \.senderFault) {
                    throw AWSError(
                        .init(fault.code), operation: "sqs.SendMessageBatch", message: fault.message ?? "refused")
                }
                // What comes after a message that failed is sent again too, so that a group stays in order; the queue
                // knows it by its id.
                guard let first = failed.compactMap({ Int($0.id.dropFirst()) }).min(), first < waiting.count else {
                    throw AWSError(
                        .unexpectedAnswer, operation: "sqs.SendMessageBatch", message: "an id that wasn't sent")
                }
                waiting = Array(waiting[first...])
                refusals += 1
                try await client.pause(afterRefusals: refusals, of: "sqs.SendMessageBatch")
            }
        }
    }

    package func delete(_ receiptHandle: String) async throws {
        try await client.call(
            "DeleteMessage", of: .sqs, DeleteMessageInput(queueURL: url, receiptHandle: receiptHandle))
    }

    /// Lets a message that is in flight be given out again after `timeout` (whole seconds; at once if zero).
    package func changeVisibility(_ receiptHandle: String, timeout: Duration) async throws {
        try await client.call(
            "ChangeMessageVisibility", of: .sqs,
            ChangeMessageVisibilityInput(
                queueURL: url, receiptHandle: receiptHandle,
                visibilityTimeout: Int(timeout.components.seconds)))
    }

    /// How many messages wait, are in flight, and are delayed: approximately, as the service knows it.
    package func depth() async throws -> Depth { Depth(try await attributes()) }

    /// All that the service says of the queue.
    func attributes() async throws -> [String: String] {
        let input = GetQueueAttributesInput(queueURL: url, attributeNames: ["All"])
        return try await client.call("GetQueueAttributes", of: .sqs, input, giving: GetQueueAttributesOutput.self)
            .attributes ?? [:]
    }

    package struct Depth: Sendable, Equatable {
        package let waiting: Int
        package let inFlight: Int
        package let delayed: Int

        package init(waiting: Int, inFlight: Int, delayed: Int) {
            self.waiting = waiting
            self.inFlight = inFlight
            self.delayed = delayed
        }

        init(_ attributes: [String: String]) {
            func number(_ name: String) -> Int { attributes[name].flatMap { Int($0) } ?? 0 }
            self.init(
                waiting: number("ApproximateNumberOfMessages"),
                inFlight: number("ApproximateNumberOfMessagesNotVisible"),
                delayed: number("ApproximateNumberOfMessagesDelayed"))
        }
    }

    /// Cuts messages into what one request takes each.
    static func batches(_ messages: [Message]) -> [[Message]] {
        var batches: [[Message]] = []
        var bytes = 0
        for message in messages {
            let size = message.body.utf8.count
            precondition(size <= messageLimit, "a message of \(size) bytes")
            if let last = batches.last, last.count < batchCount, bytes + size <= messageLimit {
                batches[batches.count - 1].append(message)
                bytes += size
            } else {
                batches.append([message])
                bytes = size
            }
        }
        return batches
    }
}

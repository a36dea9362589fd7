package import Everyline

/// Notifies through a FIFO queue, in a group for each connection: so a slow viewer blocks only itself.
package struct SQSViewerNotifier: ViewerNotifier {
    private let queue: SQSQueue
    private let newID: @Sendable () -> String

    /// - Parameter newID: gives an id that was never given before. The queue would take a notification with an earlier
    ///   one's for its repetition, and drop it, although the earlier one may have been answered already.
    package init(_ queue: SQSQueue, newID: @escaping @Sendable () -> String) {
        self.queue = queue
        self.newID = newID
    }

    /// How many requests, of ten notifications each, are under way at once.
    private static let maxConcurrency = 16

    package func notify(_ connections: [ConnectionID], of execution: ExecutionID) async throws {
        let messages = connections.map {
            SQSQueue.Message(
                ConnectionPlace(id: $0, execution: execution).notification, group: Self.group($0),
                deduplicationID: newID())
        }
        // Each is of another group, so no order is to be kept between them.
        try await SQSQueue.batches(messages).forEach(maxConcurrency: Self.maxConcurrency) { [queue] in
            try await queue.send($0)
        }
    }

    /// A group's name may hold what a connection's id does, up to 128 bytes.
    static func group(_ connection: ConnectionID) -> String { connection.rawValue }
}

/// A notification says whom to look after, in a line that is easy to read: `connection execution`.
extension ConnectionPlace {
    /// Reads a message's body; `nil` for anything that isn't a notification.
    package init?(notification body: String) {
        let words = body.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2, !words[0].isEmpty, let execution = ExecutionID(words[1]) else { return nil }
        self.init(id: ConnectionID(String(words[0])), execution: execution)
    }

    package var notification: String { "\(id) \(execution)" }
}

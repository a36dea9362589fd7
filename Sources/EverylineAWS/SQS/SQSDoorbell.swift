package import Everyline

/// Rings through a FIFO queue, in a group for each connection: so a slow viewer blocks only itself.
package struct SQSDoorbell: Doorbell {
    private let queue: SQSQueue
    private let newID: @Sendable () -> String

    /// - Parameter newID: gives an id that was never given before. The queue would take a ring with an earlier one's for its
    ///   repetition, and drop it, although the earlier one may have been answered already.
    package init(_ queue: SQSQueue, newID: @escaping @Sendable () -> String) {
        self.queue = queue
        self.newID = newID
    }

    /// How many requests, of ten rings each, are under way at once.
    private static let width = 16

    package func ring(_ connections: [ConnectionID], of execution: ExecutionID) async throws {
        let messages = connections.map {
            SQSQueue.Message(
                Ring(connection: $0, execution: execution).body, group: Self.group($0), deduplicationID: newID())
        }
        // Each is of another group, so no order is to be kept between them.
        try await SQSQueue.batches(messages).forEach(sideBySide: Self.width) { [queue] in try await queue.send($0) }
    }

    /// A group's name may hold what a connection's id does, up to 128 bytes.
    static func group(_ connection: ConnectionID) -> String { connection.rawValue }
}

/// What a ring says: whom to look after. A line that is easy to read: `connection execution`.
package struct Ring: Sendable, Equatable {
    package let connection: ConnectionID
    package let execution: ExecutionID

    package init(connection: ConnectionID, execution: ExecutionID) {
        self.connection = connection
        self.execution = execution
    }

    /// Reads a message's body; `nil` for anything that isn't a ring.
    package init?(body: String) {
        let words = body.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2, !words[0].isEmpty, let execution = ExecutionID(words[1]) else { return nil }
        self.init(connection: ConnectionID(String(words[0])), execution: execution)
    }

    package var body: String { "\(connection) \(execution)" }
}

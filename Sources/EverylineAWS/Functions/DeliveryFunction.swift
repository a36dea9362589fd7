package import Everyline
package import Logging

/// Sends to viewers: takes batches of notifications, and gives each connection that was notified one pass.
///
///     deliveries.fifo (group = connection) ─► Delivery: lock, read the ledger, post, advance ─► viewer
///
/// The connections of a batch are served side by side, so that a slow one holds up no other one's pass. All
/// notifications of one connection in a batch are answered by one pass: each was notified before the pass reads.
package struct DeliveryFunction: QueueHandler {
    private let sender: Sender
    private let notifier: any ViewerNotifier
    private let requeue: Requeue
    private let logger: Logger

    package init(
        sender: Sender, notifier: any ViewerNotifier, requeue: @escaping Requeue, logger: Logger
    ) {
        self.sender = sender
        self.notifier = notifier
        self.requeue = requeue
        self.logger = logger
    }

    package func process(
        _ records: [SQSEvent.Record], in invocation: String, until deadline: Timestamp
    ) async -> [SQSEvent.Record] {
        let failed = await forEachGroup(of: records) { group, records in
            await isServed(records, by: "\(invocation)/\(group)") ? [] : records
        }
        // Soon: for a viewer that the gateway doesn't know yet, or one that another worker is still sending to.
        for record in failed { await requeue(record, .seconds(1)) }
        return failed
    }

    /// Whether the notifications, all of one connection, may be deleted.
    private func isServed(_ records: [SQSEvent.Record], by owner: String) async -> Bool {
        var notifications: [ConnectionPlace] = []
        for record in records {
            guard let notification = ConnectionPlace(notification: record.body) else {
                logger.error("A message can't be read", metadata: ["message": "\(record.messageID)"])
                continue
            }
            if !notifications.contains(notification) { notifications.append(notification) }
        }
        for notification in notifications where await !isServed(notification, by: owner) { return false }
        return true
    }

    private func isServed(_ notification: ConnectionPlace, by owner: String) async -> Bool {
        let outcome = await sender.send(to: notification.id, of: notification.execution, as: owner)
        logger.debug(
            "A pass ended",
            metadata: [
                "execution_id": "\(notification.execution)", "connection": "\(notification.id)",
                "outcome": "\(outcome)",
            ])
        switch outcome.notification {
        case .delete: return true
        case .keep: return false
        case .notifyAgainAndDelete:
            do {
                try await notifier.notify([notification.id], of: notification.execution)
                return true
            } catch {
                return false
            }
        }
    }
}

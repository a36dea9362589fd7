package import Everyline
package import Logging

/// Sends to viewers: takes batches of rings, and gives each connection that was rung one pass.
///
///     deliveries.fifo (group = connection) ─► Delivery: lock, read the ledger, post, advance ─► viewer
///
/// The connections of a batch are served side by side, so that a slow one holds up no other one's pass. All rings of one
/// connection in a batch are answered by one pass: each was rung before the pass reads.
package struct DeliveryFunction: QueueHandler {
    private let sender: Sender
    private let doorbell: any Doorbell
    private let comeBack: ComeBack
    private let logger: Logger

    package init(
        sender: Sender, doorbell: any Doorbell, comeBack: @escaping ComeBack, logger: Logger
    ) {
        self.sender = sender
        self.doorbell = doorbell
        self.comeBack = comeBack
        self.logger = logger
    }

    package func process(
        _ records: [SQSEvent.Record], in invocation: String, until deadline: Timestamp
    ) async -> [SQSEvent.Record] {
        let failed = await forEachGroup(of: records) { group, records in
            await isServed(records, by: "\(invocation)/\(group)") ? [] : records
        }
        // Soon: for a viewer that the gateway doesn't know yet, or one that another worker is still sending to.
        for record in failed { await comeBack(record, .seconds(1)) }
        return failed
    }

    /// Whether the rings, all of one connection, may be deleted.
    private func isServed(_ records: [SQSEvent.Record], by owner: String) async -> Bool {
        var rings: [Ring] = []
        for record in records {
            guard let ring = Ring(body: record.body) else {
                logger.error("A message can't be read", metadata: ["message": "\(record.messageID)"])
                continue
            }
            if !rings.contains(ring) { rings.append(ring) }
        }
        for ring in rings where await !isServed(ring, by: owner) { return false }
        return true
    }

    private func isServed(_ ring: Ring, by owner: String) async -> Bool {
        let outcome = await sender.send(to: ring.connection, of: ring.execution, as: owner)
        logger.debug(
            "A pass ended",
            metadata: [
                "execution_id": "\(ring.execution)", "connection": "\(ring.connection)", "outcome": "\(outcome)",
            ])
        switch outcome.ring {
        case .delete: return true
        case .keep: return false
        case .ringAgainAndDelete:
            do {
                try await doorbell.ring([ring.connection], of: ring.execution)
                return true
            } catch {
                return false
            }
        }
    }
}

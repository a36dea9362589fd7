package import Everyline
package import Logging
package import NIOCore

/// Sends to viewers: takes batches of rings, and gives each connection that was rung one turn.
///
///     deliveries.fifo (group = connection) ─► Delivery: lock, read the ledger, post, advance ─► viewer
///
/// The connections of a batch are served side by side, so that a slow one holds up no other one's turn. All rings of one
/// connection in a batch are answered by one turn: each was rung before the turn reads.
package struct DeliveryFunction: LambdaHandler {
    private let worker: DeliveryWorker
    private let doorbell: any Doorbell
    private let comeBack: ComeBack
    private let logger: Logger

    package init(
        worker: DeliveryWorker, doorbell: any Doorbell, comeBack: @escaping ComeBack, logger: Logger
    ) {
        self.worker = worker
        self.doorbell = doorbell
        self.comeBack = comeBack
        self.logger = logger
    }

    package func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer {
        let event = try LambdaEvent.decode(SQSEvent.self, from: invocation.payload)
        let failed = await withTaskGroup(of: [SQSEvent.Record].self) { tasks in
            for (group, records) in Dictionary(grouping: event.records, by: \.attributes.group) {
                tasks.addTask { await isServed(records, by: "\(invocation.id)/\(group)") ? [] : records }
            }
            return await tasks.reduce(into: []) { $0 += $1 }
        }
        // Soon: for a viewer that the gateway doesn't know yet, or one that another worker is still sending to.
        for record in failed { await comeBack(record, .seconds(1)) }
        return try LambdaEvent.encode(SQSBatchResponse(unprocessed: failed.map(\.messageID)))
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
        let outcome = await worker.deliver(to: ring.connection, of: ring.execution, as: owner)
        logger.debug(
            "A turn ended",
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

/// Says that a connection may have something to receive. A ring carries nothing, so rings may be lost, doubled and late.
public protocol Doorbell: Sendable {
    /// Rings each of the connections. Rings of one connection are answered one after the other, each after it was rung.
    ///
    /// A ring is never taken for a repetition of an earlier one: a queue that drops duplicates needs an id of its own for each.
    /// - Throws: any error, if perhaps not all were rung. Then all may be rung again.
    func ring(_ connections: [ConnectionID], of execution: ExecutionID) async throws
}

extension Doorbell {
    /// Rings every viewer of an execution that can be served.
    package func ring(
        everyoneIn connections: any ConnectionStore, of execution: ExecutionID, at now: Timestamp
    ) async throws {
        let viewers = try await connections.connections(of: execution, at: now)
        if !viewers.isEmpty { try await ring(viewers, of: execution) }
    }
}

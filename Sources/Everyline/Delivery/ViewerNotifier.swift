/// Says that a connection may have something to receive. A notification carries nothing, so it may be lost, doubled and
/// late.
package protocol ViewerNotifier: Sendable {
    /// Notifies each of the connections. Notifications of one connection are answered one after the other, each after
    /// it was sent.
    ///
    /// None is taken for a repetition of an earlier one: a queue that drops duplicates needs an id of its own for each.
    /// - Throws: any error, if perhaps not all were notified. Then all may be notified again.
    func notify(_ connections: [ConnectionID], of execution: ExecutionID) async throws
}

extension ViewerNotifier {
    /// Notifies every viewer of an execution that can be served.
    package func notify(
        everyoneIn connections: any ConnectionStore, of execution: ExecutionID, at now: Timestamp
    ) async throws {
        let viewers = try await connections.connections(of: execution, at: now)
        if !viewers.isEmpty { try await notify(viewers, of: execution) }
    }
}

/// Keeps the records of viewers' connections. Every write is one conditional step, every reading is consistent: it sees
/// all that was written before it began. (A global index of DynamoDB is always stale; viewers are found in the base
/// table.)
package protocol ConnectionStore: Sendable {
    /// Puts the record of a new connection. The id finds this execution from then on. A record of the same execution
    /// and id is replaced by ``ViewerConnection/replaced(by:)``; one of another execution is left behind, for its
    /// expiry.
    ///
    /// - Throws: any error, after which it may or may not have been carried out.
    func connect(_ id: ConnectionID, _ connection: ViewerConnection) async throws

    /// Carries out the update in one step: ``ConnectionUpdate/apply(to:)`` decides.
    ///
    /// - Throws: any error, after which it may or may not have been carried out.
    /// - Returns: the record after it; `nil` if there is none, or the condition refused it: read again, never force it.
    func update(
        _ id: ConnectionID, of execution: ExecutionID, _ update: ConnectionUpdate
    ) async throws -> ViewerConnection?

    /// The record, whether or not it is open or has expired; `nil` if there is none.
    func connection(_ id: ConnectionID, of execution: ExecutionID) async throws -> ViewerConnection?

    /// The connections of an execution that may be sent to at `now` (``ViewerConnection/isServable(at:)``), whatever a
    /// clean-up has left. One that resumes later is notified by its resumption.
    func connections(of execution: ExecutionID, at now: Timestamp) async throws -> [ConnectionID]

    /// The connections that were made with a key, are open and have not expired; perhaps some that have just gone, too.
    func connections(with key: APIKey.ID, at now: Timestamp) async throws -> [ConnectionPlace]

    /// The execution that the connection's last ``connect(_:_:)`` was about; `nil` if there was none.
    func execution(of id: ConnectionID) async throws -> ExecutionID?
}

/// Names one connection of the gateway. The gateway makes it; one that is gone could come again for another viewer.
package struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(_ rawValue: String) { self.rawValue = rawValue }

    package var description: String { rawValue }
}

/// Where the record of a connection is.
package struct ConnectionPlace: Hashable, Sendable {
    package let id: ConnectionID
    package let execution: ExecutionID

    package init(id: ConnectionID, execution: ExecutionID) {
        self.id = id
        self.execution = execution
    }
}

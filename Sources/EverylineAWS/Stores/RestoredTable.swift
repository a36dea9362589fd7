package import Everyline

/// Says that a table was put back from a backup, or to an earlier moment: a new incarnation of its data begins.
package struct RestoredTable: Sendable {
    private let log: DynamoDBLogStore
    private let executions: DynamoDBExecutionStore
    private let connections: DynamoDBConnectionStore
    private let now: @Sendable () -> Timestamp

    package init(_ table: DynamoDBTable, now: @escaping @Sendable () -> Timestamp) {
        log = DynamoDBLogStore(table, logLimit: LedgerLimits().log, now: now)
        executions = DynamoDBExecutionStore(table, retention: nil, now: now)
        connections = DynamoDBConnectionStore(table)
        self.now = now
    }

    /// Notes each open log's head as its base, ends the viewers' connections that the backup knows, and begins the new
    /// incarnation last: what is cut off before is done again.
    ///
    /// To be called before functions work with the table, once for each time that it was put back.
    /// - Returns: the new incarnation, and how many logs are open.
    /// - Throws: ``LogStoreError``.
    package func begin() async throws -> (incarnation: Incarnation, openLogs: Int) {
        try await unavailable {
            let known = try await log.incarnations.all()
            var generator = SystemGenerator()
            let next = Incarnation(using: &generator)
            var count = 0
            var query = ExecutionQuery(statuses: [.starting, .running, .terminating], limit: 100)
            while case let page = try await executions.list(query), let last = page.last {
                for execution in page { try await begin(next, execution) }
                count += page.count
                query.after = last.id
            }
            guard try await log.incarnations.add(next, after: known) else {
                throw LogStoreError.unavailable("another restore was noted at the same time")
            }
            return (next, count)
        }
    }

    private func begin(_ incarnation: Incarnation, _ execution: Execution) async throws {
        let base = try await log.noteBase(of: execution.id, in: incarnation)
        for id in try await connections.connections(of: execution.id, at: now()) {
            _ = try await connections.update(id, of: execution.id, .close)
        }
        // Another producer says so itself, with what it sends again.
        guard execution.producer == .runner, let base else { return }
        let head = try await log.ledgerHead(of: execution.id)
        guard let change = LedgerChange.restored(after: base, at: now(), head: head) else { return }
        // Refused, it is by lines that came meanwhile: then a function works with the table already.
        guard try await log.write(change, to: execution.id, at: now()) else {
            throw LogStoreError.unavailable("the log \(execution.id) changes: something works with the table")
        }
    }
}

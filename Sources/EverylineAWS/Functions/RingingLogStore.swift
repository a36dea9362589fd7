package import Everyline
package import Logging

/// A log store that rings an execution's viewers after each append: where there is no process that could wake a tail.
package struct RingingLogStore<Store: LogStore>: LogStore {
    private let store: Store
    private let connections: any ConnectionStore
    private let doorbell: any Doorbell
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    package init(
        _ store: Store, connections: any ConnectionStore, doorbell: any Doorbell,
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.store = store
        self.connections = connections
        self.doorbell = doorbell
        self.now = now
        self.logger = logger
    }

    package func append(
        _ appends: [LogAppend], at now: Timestamp
    ) async throws -> [Result<Appended, LogStoreError>] {
        let results = try await store.append(appends, at: now)
        var changed: Set<ExecutionID> = []
        for (append, result) in zip(appends, results) where (try? result.get().block) != nil {
            changed.insert(append.execution)
        }
        for execution in changed { await ring(execution) }
        return results
    }

    package func head(of execution: ExecutionID) async throws -> LogHead { try await store.head(of: execution) }

    package var incarnation: Incarnation? { store.incarnation }

    package func restoration(of execution: ExecutionID, since incarnation: Incarnation) async throws -> Restoration? {
        try await store.restoration(of: execution, since: incarnation)
    }

    package func read(_ execution: ExecutionID, after offset: Offset, limit: ByteCount) async throws -> LogRead {
        try await store.read(execution, after: offset, limit: limit)
    }

    package func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset {
        try await store.offset(in: execution, before: time)
    }

    /// The events are in the log whether or not the ring goes out. A viewer that wasn't rung pings.
    private func ring(_ execution: ExecutionID) async {
        do {
            try await doorbell.ring(everyoneIn: connections, of: execution, at: now())
        } catch {
            logger.warning(
                "Viewers could not be rung", metadata: ["execution_id": "\(execution)", "error": "\(error)"])
        }
    }
}

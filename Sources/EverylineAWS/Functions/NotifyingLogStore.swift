package import Everyline
package import Logging

/// A log store that notifies an execution's viewers after each append: where there is no process that could wake a
/// tail.
package struct NotifyingLogStore<Store: LogStore>: LogStore {
    private let store: Store
    private let connections: any ConnectionStore
    private let notifier: any ViewerNotifier
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    package init(
        _ store: Store, connections: any ConnectionStore, notifier: any ViewerNotifier,
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.store = store
        self.connections = connections
        self.notifier = notifier
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
        for execution in changed { await notify(execution) }
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

    /// The events are in the log whether or not the notification goes out. A viewer that wasn't notified pings.
    private func notify(_ execution: ExecutionID) async {
        do {
            try await notifier.notify(everyoneIn: connections, of: execution, at: now())
        } catch {
            logger.warning(
                "Viewers could not be notified", metadata: ["execution_id": "\(execution)", "error": "\(error)"])
        }
    }
}

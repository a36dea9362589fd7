package import Everyline

/// An execution store that has the task of an execution probed when a client reads that execution and it has not ended.
package struct WatchingExecutionStore<Store: ExecutionStore>: ExecutionStore {
    private let store: Store
    private let watch: TaskWatch
    private let now: @Sendable () -> Timestamp

    /// Younger ones are not probed: their task is only being started, or has said by itself that it wasn't.
    private static var age: Duration { .seconds(60) }

    package init(_ store: Store, watch: TaskWatch, now: @escaping @Sendable () -> Timestamp) {
        self.store = store
        self.watch = watch
        self.now = now
    }

    package func execution(_ id: ExecutionID) async throws -> Execution {
        await watched(try await store.execution(id))
    }

    package func requestStop(_ id: ExecutionID, by user: UserID, at now: Timestamp) async throws -> Execution {
        await watched(try await store.requestStop(id, by: user, at: now))
    }

    package func noteProducers(_ heard: [ExecutionID: Timestamp]) async throws {
        try await store.noteProducers(heard)
    }

    private func watched(_ execution: Execution) async -> Execution {
        if needsProbe(execution) { await watch.probe(execution.id) }
        return execution
    }

    private func needsProbe(_ execution: Execution) -> Bool {
        switch execution.producer {
        case .runner: !execution.status.isTerminal && execution.createdAt + Self.age < now()
        // An execution with an external producer has no task, but its producer may have ignored a stop.
        case .external:
            execution.status == .terminating && (execution.stopRequestedAt.map { $0 + Self.age < now() } ?? false)
        }
    }

    package func create(
        _ execution: Execution, appendToken: SecretHash, idempotency: IdempotencyKey?
    ) async throws -> (execution: Execution, isNew: Bool) {
        try await store.create(execution, appendToken: appendToken, idempotency: idempotency)
    }

    package func appendToken(of id: ExecutionID) async throws -> SecretHash { try await store.appendToken(of: id) }

    package func list(_ query: ExecutionQuery) async throws -> [Execution] { try await store.list(query) }
}

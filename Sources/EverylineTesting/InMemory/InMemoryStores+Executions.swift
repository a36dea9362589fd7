package import Everyline
import Synchronization

extension InMemoryStores: ExecutionStore {
    package func create(
        _ execution: Execution, appendToken: SecretHash, idempotency: IdempotencyKey?
    ) async throws -> (execution: Execution, isNew: Bool) {
        try state.withLock { state in
            let earlier = state.executions.values.first {
                $0.execution.owner == execution.owner && $0.idempotency != nil
                    && $0.idempotency?.value == idempotency?.value
            }
            if let key = execution.key, state.keys.contains(where: { $0.id == key && $0.revokedAt != nil }) {
                throw ExecutionStoreError.keyRevoked
            }
            if let earlier {
                guard earlier.idempotency == idempotency else { throw ExecutionStoreError.idempotencyKeyReused }
                return (earlier.execution, false)
            }
            state.executions[execution.id] = Record(
                execution: execution, appendToken: appendToken, idempotency: idempotency,
                history: LogHistory(in: state.incarnation))
            state.order.append(execution.id)
            return (execution, true)
        }
    }

    package func execution(_ id: ExecutionID) async throws -> Execution {
        try state.withLock { try $0.known(id).execution }
    }

    package func appendToken(of id: ExecutionID) async throws -> SecretHash {
        try state.withLock { try $0.known(id).appendToken }
    }

    package func list(_ query: ExecutionQuery) async throws -> [Execution] {
        try state.withLock { state in
            var ids = state.order[...]
            if let after = query.after {
                guard let index = ids.firstIndex(of: after) else { throw ExecutionStoreError.unknownCursor }
                ids = ids[..<index]
            }
            let found = ids.reversed().compactMap { state.executions[$0]?.execution }.filter { execution in
                (query.statuses.isEmpty || query.statuses.contains(execution.status))
                    && (query.producer ?? execution.producer) == execution.producer
            }
            var page = ExecutionQuery.Page(query)
            for execution in found where page.add(execution) { break }
            return page.executions
        }
    }

    package func noteProducers(_ heard: [ExecutionID: Timestamp]) async throws {
        state.withLock { state in
            for (id, time) in heard where state.executions[id]?.execution.status.isTerminal == false {
                state.executions[id]?.execution.heardAt = time
            }
        }
    }

    package func requestStop(_ id: ExecutionID, by user: UserID, at now: Timestamp) async throws -> Execution {
        try state.withLock { state in
            var record = try state.known(id)
            if [.starting, .running].contains(record.execution.status) {
                record.execution.status = .terminating
                record.execution.stopRequestedAt = now
                record.execution.stoppedBy = user
            }
            state.executions[id] = record
            return record.execution
        }
    }
}

extension InMemoryStores.State {
    fileprivate func known(_ id: ExecutionID) throws -> InMemoryStores.Record {
        guard let record = executions[id] else { throw ExecutionStoreError.unknownExecution }
        return record
    }
}

/// An engine that starts nothing and takes everything.
package struct IdleEngine: CommandEngine {
    package init() {}

    package var platform: Platform { .embedded }
    package var restart: Duration? { nil }
    package func place(of request: RunRequest) -> CommandPlace { CommandPlace() }
    package func check(_ request: RunRequest) async throws {}
    package func start(_ launch: LaunchRequest) async throws {}
    package func stop(_ execution: Execution) async throws {}
    package func inspect(_ execution: ExecutionID) async throws -> CommandState { .unknown }
}

package import Everyline
import Synchronization

/// The records of connections in memory: each write one step, each reading of this moment.
package final class InMemoryConnections: ConnectionStore {
    private struct Key: Hashable {
        let execution: ExecutionID
        let id: ConnectionID
    }

    private struct State {
        var records: [Key: ViewerConnection] = [:]
        var executions: [ConnectionID: ExecutionID] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package func connect(_ id: ConnectionID, _ connection: ViewerConnection) async throws {
        let key = Key(execution: connection.execution, id: id)
        state.withLock { state in
            state.records[key] = state.records[key]?.replaced(by: connection) ?? connection
            state.executions[id] = connection.execution
        }
    }

    package func update(
        _ id: ConnectionID, of execution: ExecutionID, _ update: ConnectionUpdate
    ) async throws -> ViewerConnection? {
        let key = Key(execution: execution, id: id)
        return state.withLock { state in
            guard let record = state.records[key], let next = update.apply(to: record) else { return nil }
            state.records[key] = next
            return next
        }
    }

    package func connection(_ id: ConnectionID, of execution: ExecutionID) async throws -> ViewerConnection? {
        state.withLock { $0.records[Key(execution: execution, id: id)] }
    }

    package func connections(of execution: ExecutionID, at now: Timestamp) async throws -> [ConnectionID] {
        state.withLock { state in
            state.records.filter { $0.key.execution == execution && $0.value.isServable(at: now) }.map(\.key.id)
        }
    }

    package func connections(with key: APIKey.ID, at now: Timestamp) async throws -> [ConnectionPlace] {
        state.withLock { state in
            state.records.filter { $0.value.key == key && $0.value.isUsable(at: now) }
                .map { ConnectionPlace(id: $0.key.id, execution: $0.key.execution) }
        }
    }

    package func execution(of id: ConnectionID) async throws -> ExecutionID? {
        state.withLock { $0.executions[id] }
    }
}

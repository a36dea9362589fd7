package import Everyline

/// Viewers' connections, in the partition of their execution, where a consistent reading finds them.
package struct DynamoDBConnectionStore: ConnectionStore {
    private let table: DynamoDBTable

    package init(_ table: DynamoDBTable) { self.table = table }

    package func connect(_ id: ConnectionID, _ connection: ViewerConnection) async throws {
        let pointer = RecordKey.pointer(id).attributes.merging([
            "execution_id": .string(connection.execution.rawValue),
            "expires_s": .number(connection.expiresAt.milliseconds / 1000 + 1),
        ]) { $1 }
        try await unavailable {
            for _ in 0..<Self.attempts {
                let old = try await record(id, of: connection.execution)
                let item = (old?.replaced(by: connection) ?? connection).attributes(id)
                let isUnchanged = old.map {
                    DynamoDBExpression("fence = :old", [":old": .number(Int64($0.fence))])
                }
                let result = try await table.transact(
                    [.put(item, if: isUnchanged ?? .isAbsent), .put(pointer, if: nil)],
                    token: DynamoDBLogStore.token())
                if result == .done { return }
            }
            throw LogStoreError.unavailable("too many write to the same connection")
        }
    }

    package func update(
        _ id: ConnectionID, of execution: ExecutionID, _ update: ConnectionUpdate
    ) async throws -> ViewerConnection? {
        let expressions = update.expressions
        return try await unavailable {
            let written = try await table.update(
                RecordKey.connection(id, of: execution), expressions.update, if: expressions.condition)
            switch written {
            case .done(let item):
                return try ViewerConnection(item, of: execution)
            case .refused(let item?):
                // The client may have sent it again after the answer to the first one was lost.
                let connection = try ViewerConnection(item, of: execution)
                return update.hasMade(connection) ? connection : nil
            case .refused(nil):
                return nil
            }
        }
    }

    package func connection(_ id: ConnectionID, of execution: ExecutionID) async throws -> ViewerConnection? {
        try await unavailable { try await record(id, of: execution) }
    }

    package func connections(of execution: ExecutionID, at now: Timestamp) async throws -> [ConnectionID] {
        var query = DynamoDBTable.Query(
            RecordKey.partition(execution), beginningWith: RecordKey.connectionPrefix)
        query.filter = DynamoDBExpression(
            "is_open = :yes AND expires_ms > :now", [":yes": .boolean(true), ":now": .number(now.milliseconds)])
        query.projection = "sk"
        return try await unavailable {
            try await table.all(query).map {
                ConnectionID(String(try $0.string("sk").dropFirst(RecordKey.connectionPrefix.count)))
            }
        }
    }

    package func execution(of id: ConnectionID) async throws -> ExecutionID? {
        try await unavailable {
            guard let pointer = try await table.get(RecordKey.pointer(id)) else { return nil }
            guard let execution = ExecutionID(try pointer.string("execution_id")) else {
                throw DamagedItem(attribute: "execution_id")
            }
            return execution
        }
    }

    /// How often the record may change under a new connection before it is given up.
    private static let attempts = 8

    private func record(_ id: ConnectionID, of execution: ExecutionID) async throws -> ViewerConnection? {
        try await table.get(RecordKey.connection(id, of: execution)).map {
            try ViewerConnection($0, of: execution)
        }
    }
}

package import Everyline

/// Viewers' connections, in the partition of their execution, where a consistent reading finds them; and by their key, where
/// each is an item of its own, so that viewers who come at once are not in each other's way.
package struct DynamoDBConnectionStore: ConnectionStore {
    private let table: DynamoDBTable

    package init(_ table: DynamoDBTable) { self.table = table }

    package func connect(_ id: ConnectionID, _ connection: ViewerConnection) async throws {
        let place: Attributes = [
            "execution_id": .string(connection.execution.rawValue),
            "expires_ms": .number(connection.expiresAt.milliseconds),
            "expires_s": .number(connection.expiresAt.milliseconds / 1000 + 1),
        ]
        let pointers = [RecordKey.pointer(id), RecordKey.viewer(id, with: connection.key)].map {
            DynamoDBTable.Write.put($0.attributes.merging(place) { $1 }, if: nil)
        }
        try await unavailable {
            for _ in 0..<Self.attempts {
                let old = try await record(id, of: connection.execution)
                let item = (old?.replaced(by: connection) ?? connection).attributes(id)
                let isUnchanged = old.map {
                    DynamoDBExpression("fence = :old", [":old": .number(Int64($0.fence))])
                }
                let result = try await table.transact(
                    [.put(item, if: isUnchanged ?? .isAbsent)] + pointers, token: DynamoDBLogStore.token())
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
                let connection = try ViewerConnection(item, of: execution)
                if !connection.isOpen { await forget(id, connection) }
                return connection
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
        query.filter = .isServable(at: now)
        query.projection = "sk"
        return try await unavailable {
            try await table.all(query).map {
                ConnectionID(String(try $0.string("sk").dropFirst(RecordKey.connectionPrefix.count)))
            }
        }
    }

    package func connections(with key: APIKey.ID, at now: Timestamp) async throws -> [ConnectionPlace] {
        var query = DynamoDBTable.Query(RecordKey.viewers(with: key))
        query.filter = DynamoDBExpression("expires_ms > :now", [":now": .number(now.milliseconds)])
        return try await unavailable { try Self.places(try await table.all(query)) }
    }

    private static func places(_ items: [Attributes]) throws -> [ConnectionPlace] {
        var places: [ConnectionPlace] = []
        for item in items {
            guard let execution = ExecutionID(try item.string("execution_id")) else {
                throw DamagedItem(attribute: "execution_id")
            }
            places.append(ConnectionPlace(id: ConnectionID(try item.string("sk")), execution: execution))
        }
        return places
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

    /// Takes a connection that has gone off its key's list. If that fails, it stays there until it expires.
    private func forget(_ id: ConnectionID, _ connection: ViewerConnection) async {
        // Not the one that has got the same id since.
        let isItsOwn = DynamoDBExpression(
            "expires_ms = :expires", [":expires": .number(connection.expiresAt.milliseconds)])
        _ = try? await table.delete(RecordKey.viewer(id, with: connection.key), if: isItsOwn)
    }

    /// How often the record may change under a new connection before it is given up.
    private static let attempts = 8

    private func record(_ id: ConnectionID, of execution: ExecutionID) async throws -> ViewerConnection? {
        try await table.get(RecordKey.connection(id, of: execution)).map {
            try ViewerConnection($0, of: execution)
        }
    }
}

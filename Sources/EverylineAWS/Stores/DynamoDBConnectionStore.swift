package import Everyline

/// Viewers' connections, each in a partition of its own: what grows with viewers (locks, cursors) takes no writes from
/// the partition of a log, which has a thousand a second. There each viewer has one small item, its membership, from
/// when it may be sent to until it goes; by their key, each is an item too, so that viewers who come at once are not in
/// each other's way.
package struct DynamoDBConnectionStore: ConnectionStore {
    private let table: DynamoDBTable

    package init(_ table: DynamoDBTable) { self.table = table }

    package func connect(_ id: ConnectionID, _ connection: ViewerConnection) async throws {
        var places = [place(RecordKey.viewer(id, with: connection.key), connection)]
        if !connection.awaitsResumption {
            places.append(place(RecordKey.member(id, of: connection.execution), connection))
        }
        try await unavailable {
            for _ in 0..<Self.attempts {
                let old = try await record(id)
                let item = (old?.replaced(by: connection) ?? connection).attributes(id)
                let isUnchanged = old.map {
                    DynamoDBExpression("fence = :old", [":old": .number(Int64($0.fence))])
                }
                let result = try await table.transact(
                    [.put(item, if: isUnchanged ?? .isAbsent)] + places.map { .put($0, if: nil) },
                    token: DynamoDBLogStore.token())
                guard result == .done else { continue }
                if let old, old.execution != connection.execution { await leave(id, old) }
                return
            }
            throw LogStoreError.unavailable("too many write to the same connection")
        }
    }

    package func update(
        _ id: ConnectionID, of execution: ExecutionID, _ update: ConnectionUpdate
    ) async throws -> ViewerConnection? {
        let expressions = update.expressions
        let condition = expressions.condition.and(
            "execution_id = :execution", [":execution": .string(execution.rawValue)])
        return try await unavailable {
            if case .resume = update { try await enter(id, of: execution) }
            let written = try await table.update(RecordKey.connection(id), expressions.update, if: condition)
            switch written {
            case .done(let item):
                let connection = try ViewerConnection(item)
                if !connection.isOpen { await forget(id, connection) }
                return connection
            case .refused(let item?):
                // The client may have sent it again after the answer to the first one was lost.
                let connection = try ViewerConnection(item)
                return connection.execution == execution && update.hasMade(connection) ? connection : nil
            case .refused(nil):
                return nil
            }
        }
    }

    package func connection(_ id: ConnectionID, of execution: ExecutionID) async throws -> ViewerConnection? {
        try await unavailable {
            guard let connection = try await record(id), connection.execution == execution else { return nil }
            // Perhaps it could not be taken off the lists when it was closed.
            if !connection.isOpen { await forget(id, connection) }
            return connection
        }
    }

    package func connections(of execution: ExecutionID, at now: Timestamp) async throws -> [ConnectionID] {
        var query = DynamoDBTable.Query(RecordKey.partition(execution), beginningWith: RecordKey.memberPrefix)
        query.filter = DynamoDBExpression("expires_ms > :now", [":now": .number(now.milliseconds)])
        query.projection = "sk"
        return try await unavailable {
            try await table.all(query).map {
                ConnectionID(String(try $0.string("sk").dropFirst(RecordKey.memberPrefix.count)))
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
        try await unavailable { try await record(id)?.execution }
    }

    /// Makes a viewer that opens with a resumption a member before it resumes: an append that doesn't find it yet is
    /// one that the notification of the resumption comes behind.
    private func enter(_ id: ConnectionID, of execution: ExecutionID) async throws {
        guard let connection = try await record(id), connection.execution == execution, connection.isOpen,
            connection.awaitsResumption
        else { return }
        try await table.put(place(RecordKey.member(id, of: execution), connection))
    }

    /// Takes a connection that has gone off the lists. What fails is done when a sender next looks for the connection.
    private func forget(_ id: ConnectionID, _ connection: ViewerConnection) async {
        await leave(id, connection)
        _ = try? await table.delete(RecordKey.viewer(id, with: connection.key), if: Self.isPlace(of: connection))
    }

    private func leave(_ id: ConnectionID, _ connection: ViewerConnection) async {
        _ = try? await table.delete(
            RecordKey.member(id, of: connection.execution), if: Self.isPlace(of: connection))
    }

    /// The place of this connection, not that of one that has got the same id since.
    private static func isPlace(of connection: ViewerConnection) -> DynamoDBExpression {
        DynamoDBExpression("expires_ms = :expires", [":expires": .number(connection.expiresAt.milliseconds)])
    }

    private func place(_ key: DynamoDBTable.Key, _ connection: ViewerConnection) -> Attributes {
        key.attributes.merging([
            "execution_id": .string(connection.execution.rawValue),
            "expires_ms": .number(connection.expiresAt.milliseconds),
            "expires_s": .number(connection.expiresAt.milliseconds / 1000 + 1),
        ]) { $1 }
    }

    /// How often the record may change under a new connection before it is given up.
    private static let attempts = 8

    private func record(_ id: ConnectionID) async throws -> ViewerConnection? {
        try await table.get(RecordKey.connection(id)).map { try ViewerConnection($0) }
    }
}

package import Everyline
import NIOCore

/// Executions, an item each, which holds the log's head too; and two lists of them, in which an execution is found in
/// the order of its making without an index that lags behind.
package struct DynamoDBExecutionStore: ExecutionStore {
    let table: DynamoDBTable
    private let retention: Duration?
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - retention: how long after its making an execution and its log are kept; for ever if `nil`. It must be longer
    ///     than any execution runs.
    ///   - now: the wall clock, by which records expire.
    package init(_ table: DynamoDBTable, retention: Duration?, now: @escaping @Sendable () -> Timestamp) {
        self.table = table
        self.retention = retention
        self.now = now
    }

    package func create(
        _ execution: Execution, appendToken: SecretHash, idempotency: IdempotencyKey?
    ) async throws -> (execution: Execution, isNew: Bool) {
        try await unavailable {
            let expires = retention.map { (execution.createdAt + $0).milliseconds / 1000 }
            let item = ExecutionItem(execution, appendToken: appendToken, expires: expires)
            let result = try await table.transact(
                writes(item, idempotency), token: DynamoDBLogStore.token())
            guard case .refused(let refusals) = result else { return (execution, true) }
            if execution.key != nil, case .fails = refusals[refusals.endIndex - 1] {
                throw ExecutionStoreError.keyRevoked
            }
            guard let idempotency, refusals.count > Self.idempotencyWrite,
                case .fails(let record?) = refusals[Self.idempotencyWrite]
            else {
                throw LogStoreError.unavailable("there is an execution of this id already")
            }
            guard try record.binary("fingerprint") == ByteBuffer(bytes: idempotency.fingerprint.bytes) else {
                throw ExecutionStoreError.idempotencyKeyReused
            }
            guard let id = ExecutionID(try record.string("execution_id")) else {
                throw DamagedItem(attribute: "execution_id")
            }
            return (try await self.item(id).execution, false)
        }
    }

    package func execution(_ id: ExecutionID) async throws -> Execution {
        try await unavailable { try await item(id).execution }
    }

    package func appendToken(of id: ExecutionID) async throws -> SecretHash {
        try await unavailable { try await item(id).appendToken }
    }

    package func noteProducers(_ heard: [ExecutionID: Timestamp]) async throws {
        try await unavailable {
            for (id, time) in heard {
                try await table.update(
                    RecordKey.meta(id),
                    DynamoDBExpression("SET heard_ms = :heard", [":heard": .number(time.milliseconds)]),
                    if: DynamoDBExpression("attribute_exists(pk) AND attribute_not_exists(end_status)"))
            }
        }
    }

    package func requestStop(_ id: ExecutionID, by user: UserID, at now: Timestamp) async throws -> Execution {
        try await unavailable {
            let written = try await table.update(
                RecordKey.meta(id),
                DynamoDBExpression(
                    "SET stop_requested = :yes, stop_ms = if_not_exists(stop_ms, :now), stopped_by = if_not_exists(stopped_by, :user)",
                    [":yes": .boolean(true), ":now": .number(now.milliseconds), ":user": .string(user.rawValue)]),
                if: DynamoDBExpression("attribute_exists(pk) AND attribute_not_exists(end_status)"))
            switch written {
            case .done(let item), .refused(let item?): return try kept(item, id).execution
            case .refused(nil): throw ExecutionStoreError.unknownExecution
            }
        }
    }

    private func item(_ id: ExecutionID) async throws -> ExecutionItem {
        guard let item = try await table.get(RecordKey.meta(id)) else { throw ExecutionStoreError.unknownExecution }
        return try kept(item, id)
    }

    private func kept(_ attributes: Attributes, _ id: ExecutionID) throws -> ExecutionItem {
        let item = try ExecutionItem(attributes, id: id)
        guard isKept(item) else { throw ExecutionStoreError.unknownExecution }
        return item
    }

    func isKept(_ item: ExecutionItem) -> Bool { item.isKept(at: now()) }

    /// Where in the transaction the write is that tells a repeated request.
    private static let idempotencyWrite = 3

    private func writes(_ item: ExecutionItem, _ idempotency: IdempotencyKey?) -> [DynamoDBTable.Write] {
        let execution = item.execution
        let lists = [RecordKey.executions, RecordKey.active].map { list in
            var row = DynamoDBTable.Key(list, item.listSort).attributes
            row["execution_id"] = .string(execution.id.rawValue)
            row["expires_s"] = item.expires.map { .number($0) }
            return DynamoDBTable.Write.put(row, if: nil)
        }
        var writes = [.put(item.attributes, if: .isAbsent)] + lists
        if let idempotency {
            var record = RecordKey.idempotency(execution.owner, idempotency.value).attributes
            record["execution_id"] = .string(execution.id.rawValue)
            record["fingerprint"] = .binary(ByteBuffer(bytes: idempotency.fingerprint.bytes))
            record["expires_s"] = item.expires.map { .number($0) }
            writes.append(.put(record, if: .isAbsent))
        }
        if let key = execution.key {
            // Changes nothing: it is there for its condition, for which no function needs a right more.
            writes.append(
                .update(
                    RecordKey.key(key), DynamoDBExpression("SET created_ms = created_ms"),
                    if: .isPresent.and("attribute_not_exists(revoked_ms)")))
        }
        return writes
    }
}

package import Everyline
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Executions, a row each; a log's head and the execution's status are columns of the same row.
package struct SQLiteExecutionStore: ExecutionStore {
    private let database: SQLiteDatabase

    package init(_ database: SQLiteDatabase) { self.database = database }

    package func create(
        _ execution: Execution, appendToken: SecretHash, idempotency: IdempotencyKey?
    ) async throws -> (execution: Execution, isNew: Bool) {
        try await database.write { db in
            if let idempotency, let earlier = try Self.execution(of: execution.owner, under: idempotency, in: db) {
                return (earlier, false)
            }
            try Self.insert(execution, appendToken, idempotency, in: db)
            return (execution, true)
        }
    }

    package func execution(_ id: ExecutionID) async throws -> Execution {
        try await database.read { try Self.execution(id, in: $0) }
    }

    package func appendToken(of id: ExecutionID) async throws -> SecretHash {
        let bytes = try await database.read { db in
            try Data.fetchOne(
                db.cachedStatement(sql: "SELECT append_token FROM execution WHERE id = ?"), arguments: [id.rawValue])
        }
        guard let bytes else { throw ExecutionStoreError.unknownExecution }
        return try SecretHash(stored: bytes)
    }

    package func list(_ query: ExecutionQuery) async throws -> [Execution] {
        try await database.read { db in
            var conditions: [String] = []
            var arguments: StatementArguments = []
            if let after = query.after {
                guard
                    let number = try Int64.fetchOne(
                        db, sql: "SELECT number FROM execution WHERE id = ?", arguments: [after.rawValue])
                else { throw ExecutionStoreError.unknownCursor }
                conditions.append("number < ?")
                arguments += [number]
            }
            if !query.statuses.isEmpty {
                let marks = query.statuses.map { _ in "?" }.joined(separator: ", ")
                conditions.append("status IN (\(marks))")
                arguments += StatementArguments(query.statuses.map(\.rawValue))
            }
            if let producer = query.producer {
                conditions.append("producer = ?")
                arguments += [producer.rawValue]
            }
            let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
            return try Row.fetchAll(
                db, sql: "SELECT \(Self.columns) FROM execution \(filter) ORDER BY number DESC LIMIT ?",
                arguments: arguments + [query.limit]
            ).map(Execution.init(row:))
        }
    }

    package func requestStop(_ id: ExecutionID) async throws -> Execution {
        try await database.write { db in
            try db.execute(
                sql: "UPDATE execution SET status = 'TERMINATING' WHERE id = ? AND status IN ('STARTING', 'RUNNING')",
                arguments: [id.rawValue])
            return try Self.execution(id, in: db)
        }
    }

    private static let columns = """
        id, command, owner, producer, status, exit_code, reason, created_ms, started_ms, ended_ms, head, log_bytes
        """

    private static func execution(_ id: ExecutionID, in db: Database) throws -> Execution {
        let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM execution WHERE id = ?")
        guard let row = try Row.fetchOne(statement, arguments: [id.rawValue]) else {
            throw ExecutionStoreError.unknownExecution
        }
        return try Execution(row: row)
    }

    private static func execution(
        of owner: UserID, under key: IdempotencyKey, in db: Database
    ) throws -> Execution? {
        let statement = try db.cachedStatement(
            sql: "SELECT \(columns), fingerprint FROM execution WHERE owner = ? AND idempotency_key = ?")
        guard let row = try Row.fetchOne(statement, arguments: [owner.rawValue, key.value]) else { return nil }
        guard try SecretHash(stored: row["fingerprint"]) == key.fingerprint else {
            throw ExecutionStoreError.idempotencyKeyReused
        }
        return try Execution(row: row)
    }

    private static func insert(
        _ execution: Execution, _ appendToken: SecretHash, _ idempotency: IdempotencyKey?, in db: Database
    ) throws {
        let command = String(decoding: try JSONEncoder().encode(execution.command), as: UTF8.self)
        try db.cachedStatement(
            sql: """
                INSERT INTO execution
                    (id, command, owner, producer, status, created_ms, append_token, idempotency_key, fingerprint)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            execution.id.rawValue, command, execution.owner.rawValue, execution.producer.rawValue,
            execution.status.rawValue, execution.createdAt.milliseconds, Data(appendToken.bytes), idempotency?.value,
            idempotency.map { Data($0.fingerprint.bytes) },
        ])
    }
}

extension Execution {
    fileprivate init(row: Row) throws {
        guard let id = ExecutionID(row["id"] as String), let owner = UserID(row["owner"] as String),
            let producer = Producer(rawValue: row["producer"]), let status = ExecutionStatus(rawValue: row["status"])
        else { throw LogStoreError.unavailable("an execution's row is damaged") }
        let command = try JSONDecoder().decode([String].self, from: Data((row["command"] as String).utf8))
        self.init(
            id: id, command: command, owner: owner, producer: producer, status: status, exitCode: row["exit_code"],
            reason: (row["reason"] as String?).flatMap(ExecutionOutcome.Reason.init),
            createdAt: Timestamp(milliseconds: row["created_ms"]),
            startedAt: (row["started_ms"] as Int64?).map(Timestamp.init(milliseconds:)),
            endedAt: (row["ended_ms"] as Int64?).map(Timestamp.init(milliseconds:)),
            head: Offset(row["head"] as UInt64), logBytes: row["log_bytes"])
    }
}

extension SecretHash {
    init(stored bytes: Data?) throws {
        guard let bytes, let hash = SecretHash(bytes: bytes) else {
            throw LogStoreError.unavailable("a stored hash is damaged")
        }
        self = hash
    }
}

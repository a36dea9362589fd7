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
            if let key = execution.key {
                let revoked = try db.cachedStatement(
                    sql: "SELECT 1 FROM api_key WHERE id = ? AND revoked_ms IS NOT NULL")
                if try Row.fetchOne(revoked, arguments: [key]) != nil { throw ExecutionStoreError.keyRevoked }
            }
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
            return try Self.executions(query, conditions, arguments, in: db)
        }
    }

    /// A row that is damaged is passed over: the others are listed, and the doctor names it.
    private static func executions(
        _ query: ExecutionQuery, _ conditions: [String], _ arguments: StatementArguments, in db: Database
    ) throws -> [Execution] {
        let filter = (conditions + ["number < ?"]).joined(separator: " AND ")
        let sql = "SELECT \(columns), number FROM execution WHERE \(filter) ORDER BY number DESC LIMIT ?"
        var page = ExecutionQuery.Page(query)
        var before = Int64.max
        while !page.isFull {
            let wanted = query.limit - page.executions.count
            let rows = try Row.fetchCursor(db, sql: sql, arguments: arguments + [before, wanted])
            var count = 0
            while let row = try rows.next() {
                count += 1
                before = try row.stored("number")
                if let execution = try? Execution(row: row), page.add(execution) { break }
            }
            if count < wanted { break }
        }
        return page.executions
    }

    package func requestStop(_ id: ExecutionID, by user: UserID, at now: Timestamp) async throws -> Execution {
        try await database.write { db in
            try db.execute(
                sql: """
                    UPDATE execution SET status = 'TERMINATING', stop_ms = ?, stopped_by = ?
                    WHERE id = ? AND status IN ('STARTING', 'RUNNING')
                    """, arguments: [now.milliseconds, user.rawValue, id.rawValue])
            return try Self.execution(id, in: db)
        }
    }

    package func noteProducers(_ heard: [ExecutionID: Timestamp]) async throws {
        var rest = Array(heard)[...]
        // In steps, so that no append waits for all of them.
        while !rest.isEmpty {
            let step = rest.prefix(1000)
            rest = rest.dropFirst(1000)
            try await database.write { db in
                let statement = try db.cachedStatement(
                    sql: "UPDATE execution SET heard_ms = ? WHERE id = ? AND ended_ms IS NULL")
                for (id, time) in step { try statement.execute(arguments: [time.milliseconds, id.rawValue]) }
            }
        }
    }

    private static let columns = """
        id, command, owner, producer, key, status, exit_code, reason, created_ms, started_ms, ended_ms, stop_ms, stopped_by,
        heard_ms, head, log_bytes, host, host_user, directory, terminal_columns,
        terminal_rows
        """

    /// Whether an execution's row is what was written, as far as that shows.
    ///
    /// - Throws: `DatabaseError`.
    static func isSound(_ id: ExecutionID, in db: Database) throws -> Bool {
        let statement = try db.cachedStatement(
            sql: "SELECT \(columns), append_token, fingerprint, idempotency_key FROM execution WHERE id = ?")
        guard let row = try Row.fetchOne(statement, arguments: [id.rawValue]) else { return true }
        do {
            _ = try (Execution(row: row), SecretHash(stored: row.stored("append_token")))
            let isKeyed = try row.storedIfAny("idempotency_key", as: String.self) != nil
            let fingerprint = try row.storedIfAny("fingerprint", as: Data.self).map { try SecretHash(stored: $0) }
            return isKeyed == (fingerprint != nil)
        } catch is LogStoreError {
            return false
        }
    }

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
        guard try SecretHash(stored: row.storedIfAny("fingerprint")) == key.fingerprint else {
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
                    (id, command, owner, producer, key, status, created_ms, append_token, idempotency_key, fingerprint,
                    host, host_user, directory, terminal_columns, terminal_rows)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            execution.id.rawValue, command, execution.owner.rawValue, execution.producer.rawValue,
            execution.key, execution.status.rawValue, execution.createdAt.milliseconds, Data(appendToken.bytes),
            idempotency?.value,
            idempotency.map { Data($0.fingerprint.bytes) }, execution.place.host, execution.place.user,
            execution.place.directory, execution.place.terminal?.columns, execution.place.terminal?.rows,
        ])
    }
}

extension Execution {
    /// - Parameter row: the columns of ``SQLiteExecutionStore``.
    /// - Throws: ``LogStoreError/damaged(_:)``.
    init(row: Row) throws {
        let text: String = try row.stored("command")
        guard let id = ExecutionID(try row.stored("id", as: String.self)),
            let owner = UserID(try row.stored("owner", as: String.self)),
            let producer = Producer(rawValue: try row.stored("producer")),
            let status = ExecutionStatus(rawValue: try row.stored("status")),
            // What isn't JSON is damaged, however it isn't.
            let command = try? JSONDecoder().decode([String].self, from: Data(text.utf8))
        else { throw LogStoreError.damagedRow }
        self.init(
            id: id, command: command, owner: owner, producer: producer, key: try row.storedIfAny("key"),
            place: CommandPlace(
                host: try row.storedIfAny("host"), user: try row.storedIfAny("host_user"),
                directory: try row.storedIfAny("directory"),
                terminal: TerminalSize(
                    storedColumns: try row.storedIfAny("terminal_columns"), rows: try row.storedIfAny("terminal_rows"))),
            status: status, exitCode: try row.storedIfAny("exit_code"),
            reason: try row.storedIfAny("reason").flatMap(ExecutionOutcome.Reason.init),
            createdAt: try Timestamp(stored: row.stored("created_ms")),
            startedAt: try row.storedIfAny("started_ms").map(Timestamp.init(stored:)),
            endedAt: try row.storedIfAny("ended_ms").map(Timestamp.init(stored:)),
            stopRequestedAt: try row.storedIfAny("stop_ms").map(Timestamp.init(stored:)),
            stoppedBy: try row.storedIfAny("stopped_by", as: String.self).flatMap { UserID($0) },
            heardAt: try row.storedIfAny("heard_ms").map(Timestamp.init(stored:)),
            head: try Offset(stored: row.stored("head")), logBytes: try Int(storedBytes: row.stored("log_bytes")))
        // The end is an event, and has its time.
        guard status.isTerminal == (endedAt != nil), !status.isTerminal || head > .zero else {
            throw LogStoreError.damagedRow
        }
    }
}

extension SecretHash {
    init(stored bytes: Data?) throws {
        guard let bytes, let hash = SecretHash(bytes: bytes) else { throw LogStoreError.damaged("A stored hash") }
        self = hash
    }
}

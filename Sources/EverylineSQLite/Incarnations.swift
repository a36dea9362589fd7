package import Everyline
import GRDB
import Synchronization

extension SQLiteDatabase {
    /// Says that this database was put back from a backup: a new incarnation begins, and each open log's head is its
    /// base in it. It is durable when this returns.
    ///
    /// To be called before a server works with the database, once for each time that a backup is put back.
    /// - Throws: ``LogStoreError``.
    @discardableResult
    package func markRestored() async throws -> Incarnation {
        let next = try await write { try Self.markRestored(in: $0) }
        current.withLock { $0 = next }
        return next
    }

    /// As ``markRestored()``, within a transaction of the caller's.
    static func markRestored(in db: Database) throws -> Incarnation {
        let next = try beginIncarnation(in: db)
        try db.execute(
            sql: """
                INSERT INTO base (execution, incarnation, base)
                SELECT number, last_insert_rowid(), head FROM execution WHERE ended_ms IS NULL
                """)
        return next
    }

    /// The newest incarnation. One whose row is damaged or gone can't be told from others: then another one begins. So
    /// does one where the data lie in another file: it is a copy, which may be served beside the first, or which was
    /// put in its place by hand.
    ///
    /// - Parameter isPutBack: whether the data were put back by a way that this can't see: with all of its disk, for
    ///   example.
    static func incarnation(in db: Database, ofFile file: Int64, isPutBack: Bool) throws -> Incarnation {
        let row = try Row.fetchOne(db, sql: "SELECT name, file FROM incarnation ORDER BY number DESC LIMIT 1")
        let known = row.flatMap { String.fromDatabaseValue($0[0]) }.flatMap { Incarnation($0) }
        let held = row.flatMap { Int64.fromDatabaseValue($0[1]) }
        if let known, held == file, !isPutBack { return known }
        let incarnation: Incarnation =
            switch (known, held) {
            case (nil, _): try beginIncarnation(in: db)
            case (let known?, nil) where !isPutBack: known
            case (_?, _): try markRestored(in: db)
            }
        try db.execute(
            sql: "UPDATE incarnation SET file = ? WHERE number = (SELECT max(number) FROM incarnation)",
            arguments: [file])
        return incarnation
    }

    /// What stands in the database of its restores.
    package struct Restores: Sendable, Equatable {
        /// How often the data were restored or copied.
        package let count: Int
        /// When that was the last time.
        package let last: Timestamp
    }

    /// - Returns: `nil` if the data were never restored nor copied.
    /// - Throws: ``LogStoreError``.
    package func restores() async throws -> Restores? {
        try await read { db in
            let row = try Row.fetchOne(db, sql: "SELECT count(*) - 1, max(created_ms) FROM incarnation")
            guard let row, let count: Int = try row.stored(0), count > 0 else { return nil }
            return Restores(count: count, last: try Timestamp(stored: row.stored(1)))
        }
    }

    /// The open logs to which nothing has been appended since the newest incarnation began; `nil` if there are none.
    ///
    /// - Throws: ``LogStoreError``.
    package func untouchedSinceRestore() async throws -> RestoredLogs? {
        try await read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT execution.id, base.base, incarnation.created_ms FROM incarnation
                    JOIN base ON base.incarnation = incarnation.number
                    JOIN execution ON execution.number = base.execution
                    WHERE incarnation.number = (SELECT max(number) FROM incarnation)
                        AND execution.ended_ms IS NULL AND execution.head = base.base
                    """)
            guard let first = rows.first else { return nil }
            var bases: [ExecutionID: Offset] = [:]
            for row in rows {
                // A row that is damaged has no log that could be ended.
                guard let id = ExecutionID(try row.stored(0) as String) else { continue }
                bases[id] = try Offset(stored: row.stored(1))
            }
            return RestoredLogs(since: try Timestamp(stored: first.stored(2)), bases: bases)
        }
    }

    @discardableResult
    static func beginIncarnation(in db: Database) throws -> Incarnation {
        var generator = SystemGenerator()
        let next = Incarnation(using: &generator)
        try db.execute(
            sql: "INSERT INTO incarnation (name, created_ms) VALUES (?, unixepoch() * 1000)",
            arguments: [next.rawValue])
        return next
    }
}

extension LogRow {
    /// As ``LogReader/restoration(of:since:)``.
    ///
    /// - Throws: ``LogStoreError/damaged(_:)``.
    func restoration(since known: Incarnation, to current: Incarnation, in db: Database) throws -> Restoration? {
        guard known != current else { return nil }
        let statement = try db.cachedStatement(
            sql: """
                SELECT number, (SELECT min(base) FROM base WHERE execution = ? AND incarnation > number),
                    (SELECT count(*) FROM incarnation AS later WHERE later.number > incarnation.number)
                FROM incarnation WHERE name = ?
                """)
        guard let row = try Row.fetchOne(statement, arguments: [number, known.rawValue]) else {
            return Restoration(to: current, base: .zero)
        }
        guard !(row[1] as DatabaseValue).isNull else { return nil }
        // More than the log holds can't be true of it.
        return Restoration(
            to: current, base: min(try Offset(stored: row.stored(1)), head.offset), count: try row.stored(2))
    }
}

package import Everyline
import GRDB

/// Removes executions that have ended, with their logs: those that ended too long ago, and the oldest of the others
/// while all logs together are too large. One that goes on is never touched.
package struct Retention: Sendable {
    package struct Limits: Sendable {
        /// How long an execution is kept after its end; for ever if `nil`.
        package var age: Duration?
        /// How many bytes of events are kept in all; any number if `nil`.
        package var size: ByteCount?

        package init(age: Duration? = nil, size: ByteCount? = nil) {
            self.age = age
            self.size = size
        }
    }

    /// How many blocks one transaction deletes: appends wait for it.
    private static let stepBlocks = 256

    /// How many pages one transaction gives back: appends wait for it.
    private static let stepPages = 256

    /// How much free space stays in the database for new logs, so that a server with a steady load doesn't shrink and
    /// extend its file by turns.
    package static let keptFree: ByteCount = .mebibytes(16)

    private let database: SQLiteDatabase
    private let limits: Limits

    package init(_ database: SQLiteDatabase, _ limits: Limits) {
        self.database = database
        self.limits = limits
    }

    /// An execution is gone as a whole, in one transaction; the space of its blocks is freed step by step after that,
    /// also after a crash in between. What is free beyond ``keptFree`` goes back to the file system, step by step too.
    ///
    /// - Returns: how many executions were removed.
    /// - Throws: ``LogStoreError``.
    @discardableResult
    package func enforce(at now: Timestamp) async throws -> Int {
        var count = 0
        if let age = limits.age {
            let limit = now.milliseconds - age.milliseconds
            count += try await remove { db in
                try Int64.fetchAll(db, sql: "SELECT number FROM execution WHERE ended_ms < ?", arguments: [limit])
            }
        }
        if let size = limits.size { count += try await remove { try Self.oldest(beyond: size, in: $0) } }
        while !Task.isCancelled, try await database.write({ try Self.freeStep($0) }) {}
        try await giveBack()
        return count
    }

    /// Makes the database's file smaller, if much of it is free.
    ///
    /// A database that was made without SQLite's `auto_vacuum` keeps its size.
    private func giveBack() async throws {
        var hasShrunk = false
        while !Task.isCancelled, try await database.write({ try Self.shrinkStep($0) }) { hasShrunk = true }
        // The file itself becomes smaller when the write-ahead log has been written back.
        if hasShrunk { try await database.checkpoint() }
    }

    /// - Returns: whether there was anything to give back.
    private static func shrinkStep(_ db: Database) throws -> Bool {
        guard try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") == 2,
            let size = try ByteCount.fetchOne(db, sql: "PRAGMA page_size"),
            let free = try ByteCount.fetchOne(db, sql: "PRAGMA freelist_count")
        else { return false }
        let excess = free - keptFree / size
        guard excess > 0 else { return false }
        try db.execute(sql: "PRAGMA incremental_vacuum(\(min(excess, stepPages)))")
        return true
    }

    private func remove(_ chosen: @escaping @Sendable (Database) throws -> [Int64]) async throws -> Int {
        try await database.write { db in
            let numbers = try chosen(db)
            for number in numbers {
                try db.execute(sql: "INSERT OR IGNORE INTO removed (execution) VALUES (?)", arguments: [number])
                try db.execute(sql: "DELETE FROM execution WHERE number = ?", arguments: [number])
                try db.execute(sql: "DELETE FROM base WHERE execution = ?", arguments: [number])
            }
            return numbers.count
        }
    }

    /// A row that claims more bytes than the whole database has is damaged, and counts as none: other logs aren't
    /// removed for it.
    private static func oldest(beyond size: ByteCount, in db: Database) throws -> [Int64] {
        let pages = try Int64.fetchOne(db, sql: "PRAGMA page_count") ?? 0
        let most = pages * (try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 0)
        let bytes = "CASE WHEN log_bytes BETWEEN 0 AND \(most) THEN log_bytes ELSE 0 END"
        var excess = Int64(size).distance(
            to: try Int64.fetchOne(db, sql: "SELECT coalesce(sum(\(bytes)), 0) FROM execution") ?? 0)
        guard excess > 0 else { return [] }
        var numbers: [Int64] = []
        let rows = try Row.fetchCursor(
            db, sql: "SELECT number, \(bytes) FROM execution WHERE ended_ms IS NOT NULL ORDER BY ended_ms, number")
        while excess > 0, let row = try rows.next() {
            numbers.append(try row.stored(0))
            excess -= try row.stored(1)
        }
        return numbers
    }

    /// - Returns: whether there was anything to free.
    private static func freeStep(_ db: Database) throws -> Bool {
        guard let number = try Int64.fetchOne(db, sql: "SELECT execution FROM removed LIMIT 1") else { return false }
        try db.execute(
            sql: "DELETE FROM block WHERE row IN (SELECT row FROM block WHERE execution = ? LIMIT \(stepBlocks))",
            arguments: [number])
        if db.changesCount < stepBlocks {
            try db.execute(sql: "DELETE FROM removed WHERE execution = ?", arguments: [number])
        }
        return true
    }
}

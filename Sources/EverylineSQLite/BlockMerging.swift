import Everyline
import GRDB
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Merges the small blocks that live appends left into larger ones, once a log has ended.
///
/// It goes in steps, each a transaction of a bounded size, so that no append waits long; where it was is written down with
/// each step. Readers see the log before a step or after it, and the same events either way.
package struct BlockMerging: Sendable {
    /// How many bytes of blocks one transaction reads.
    static let stepBytes: ByteCount = .mebibytes(4)

    private let database: SQLiteDatabase

    package init(_ database: SQLiteDatabase) { self.database = database }

    /// Merges until nothing is left to merge, or the task is cancelled.
    ///
    /// - Throws: ``LogStoreError``; what has been merged stays.
    package func run() async throws {
        while !Task.isCancelled, try await database.write({ try Self.step($0) }) {}
    }

    /// - Returns: whether there was anything to do.
    private static func step(_ db: Database) throws -> Bool {
        let pending = "SELECT number, merged, head FROM execution WHERE merged IS NOT NULL ORDER BY number LIMIT 1"
        guard let log = try Row.fetchOne(db, sql: pending) else { return false }
        let (number, merged, head): (Int64, Int64, Int64) = (log[0], log[1], log[2])
        var group = BlockGroup(execution: number)
        var position = merged
        var size = 0
        let rows = try Row.fetchAll(
            db,
            sql: "SELECT row, first, last, latest_ms, length(events) FROM block WHERE execution = ? AND last > ? "
                + "ORDER BY last LIMIT 4096",
            arguments: [number, merged])
        for row in rows {
            let bytes: Int = row[4]
            if size > 0 && size + bytes > stepBytes { break }
            size += bytes
            if !group.isEmpty && group.bytes + bytes > SQLiteLogStore.blockBytes { try group.replace(in: db) }
            group.add(row, bytes: bytes)
            position = row[2]
        }
        try group.replace(in: db)
        let isDone = position >= head || rows.isEmpty
        try db.execute(
            sql: "UPDATE execution SET merged = ? WHERE number = ?", arguments: [isDone ? nil : position, number])
        return true
    }
}

/// Neighbouring blocks that will become one.
private struct BlockGroup {
    let execution: Int64
    private(set) var bytes = 0
    private var rows: [Int64] = []
    private var first: Int64 = 0
    private var last: Int64 = 0
    private var latest: Int64 = 0

    init(execution: Int64) { self.execution = execution }

    var isEmpty: Bool { rows.isEmpty }

    mutating func add(_ row: Row, bytes: Int) {
        if rows.isEmpty { first = row[1] }
        rows.append(row[0])
        last = row[2]
        latest = row[3]
        self.bytes += bytes
    }

    /// Puts one block in the place of the group's, and begins a new group.
    mutating func replace(in db: Database) throws {
        defer { self = BlockGroup(execution: execution) }
        guard rows.count > 1 else { return }
        var merged = Data(capacity: bytes)
        let read = try db.cachedStatement(sql: "SELECT events FROM block WHERE row = ?")
        let delete = try db.cachedStatement(sql: "DELETE FROM block WHERE row = ?")
        for row in rows {
            try Row.fetchOne(read, arguments: [row])?.withUnsafeBytes(at: 0) { merged.append(contentsOf: $0) }
            try delete.execute(arguments: [row])
        }
        try db.cachedStatement(
            sql: "INSERT INTO block (execution, first, last, latest_ms, events) VALUES (?, ?, ?, ?, ?)"
        ).execute(arguments: [execution, first, last, latest, merged])
    }
}

import Everyline
import GRDB
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Merges the small blocks that live appends left into larger ones, once a log has ended, and packs them.
///
/// It goes in steps, each a transaction of a bounded size, so that no append waits long; where it was is written down
/// with each step. Readers see the log before a step or after it, and the same events either way.
package struct BlockMerging: Sendable {
    /// How many bytes of blocks one transaction reads.
    static let stepBytes: ByteCount = .mebibytes(1)

    private let database: SQLiteDatabase

    package init(_ database: SQLiteDatabase) { self.database = database }

    /// Merges until nothing is left to merge, or the task is cancelled.
    ///
    /// - Throws: ``LogStoreError``; what has been merged stays.
    package func run() async throws {
        while !Task.isCancelled, try await step() {}
    }

    /// - Returns: whether there was anything to do.
    private func step() async throws -> Bool {
        guard let number = try await database.read({ try Self.pending(in: $0) }) else { return false }
        do {
            try await database.write { try Self.step(number, in: $0) }
        } catch LogStoreError.damaged {
            // It stays as it is, so that an operator can save what is left; the other logs' blocks are merged.
            try await database.write { db in
                try db.execute(sql: "UPDATE execution SET merged = NULL WHERE number = ?", arguments: [number])
            }
        }
        return true
    }

    /// The first log that has blocks to merge.
    private static func pending(in db: Database) throws -> Int64? {
        try Int64.fetchOne(db, sql: "SELECT number FROM execution WHERE merged IS NOT NULL ORDER BY number LIMIT 1")
    }

    private static func step(_ number: Int64, in db: Database) throws {
        let state = "SELECT merged, head FROM execution WHERE number = ? AND merged IS NOT NULL"
        // Retention may have been faster.
        guard let log = try Row.fetchOne(db, sql: state, arguments: [number]) else { return }
        let (merged, head) = (try Offset(stored: log.stored(0)), try Offset(stored: log.stored(1)))
        var group = BlockGroup(execution: number)
        var position = merged
        var size = 0
        let rows = try Row.fetchAll(
            db,
            sql:
                "SELECT first, last, latest_ms, length(events), row, unpacked FROM block WHERE execution = ? AND last > ? "
                + "ORDER BY last LIMIT 4096",
            arguments: [number, Int64(merged.rawValue)])
        for row in rows {
            let (block, bytes) = (try StoredBlock(row), try Int(storedBytes: row.stored(3)))
            guard block.predecessor == position else { throw LogStoreError.damagedBlocks }
            if size > 0 && size + bytes > stepBytes { break }
            size += bytes
            if !group.isEmpty && group.bytes + bytes > SQLiteLogStore.blockBytes { try group.replace(in: db) }
            // What is packed was merged before.
            if try row.storedIfAny("unpacked", as: Int64.self) != nil {
                try group.replace(in: db)
            } else {
                group.add(block, row: try row.stored(4), bytes: bytes)
            }
            position = block.last
        }
        try group.replace(in: db)
        let isDone = position >= head || rows.isEmpty
        try db.execute(
            sql: "UPDATE execution SET merged = ? WHERE number = ?",
            arguments: [isDone ? nil : Int64(position.rawValue), number])
    }
}

/// Neighbouring blocks that will become one.
private struct BlockGroup {
    let execution: Int64
    private(set) var bytes = 0
    private var rows: [Int64] = []
    private var first = Offset.zero
    private var last = Offset.zero
    private var latest = Timestamp.epoch

    init(execution: Int64) { self.execution = execution }

    var isEmpty: Bool { rows.isEmpty }

    mutating func add(_ block: StoredBlock, row: Int64, bytes: Int) {
        if rows.isEmpty { first = block.first }
        rows.append(row)
        last = block.last
        latest = block.latest
        self.bytes += bytes
    }

    /// Puts one block in the place of the group's, and begins a new group.
    mutating func replace(in db: Database) throws {
        defer { self = BlockGroup(execution: execution) }
        guard !rows.isEmpty else { return }
        var merged = Data(capacity: bytes)
        let read = try db.cachedStatement(sql: "SELECT events, crc, unpacked FROM block WHERE row = ?")
        let delete = try db.cachedStatement(sql: "DELETE FROM block WHERE row = ?")
        for row in rows {
            guard let block = try Row.fetchOne(read, arguments: [row]) else { throw LogStoreError.damagedBlocks }
            // A new checksum must not stand for what was changed under the old one.
            try block.withEvents { merged.append(contentsOf: $0) }
            try delete.execute(arguments: [row])
        }
        let packed = BlockCompression.packed(merged)
        try db.cachedStatement(
            sql:
                "INSERT INTO block (execution, first, last, latest_ms, events, crc, unpacked) VALUES (?, ?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            execution, Int64(first.rawValue), Int64(last.rawValue), latest.milliseconds, packed ?? merged,
            merged.withUnsafeBytes(BlockChecksum.of), packed.map { _ in merged.count },
        ])
    }
}

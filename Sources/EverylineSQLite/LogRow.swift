import Everyline
import GRDB
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A log as a transaction sees it: its number, its head, and through them its blocks.
struct LogRow {
    let number: Int64
    var head: LogHead
    var status: ExecutionStatus
    /// When its producer first appended.
    var started: Timestamp?

    /// - Throws: ``LogStoreError/unknownExecution``.
    init(_ execution: ExecutionID, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "SELECT number, head, log_bytes, latest_ms, status, started_ms FROM execution WHERE id = ?")
        guard let row = try Row.fetchOne(statement, arguments: [execution.rawValue]) else {
            throw LogStoreError.unknownExecution
        }
        guard let status = ExecutionStatus(rawValue: row[4]) else {
            throw LogStoreError.unavailable("an execution has an unknown status")
        }
        number = row[0]
        self.status = status
        started = (row[5] as Int64?).map(Timestamp.init(milliseconds:))
        head = LogHead(
            offset: Offset(row[1] as UInt64), isEnded: status.isTerminal, bytes: row[2],
            latest: Timestamp(milliseconds: row[3]))
    }

    /// Joins stored blocks into one of at most `limit` bytes, or of one event that is longer.
    ///
    /// - Precondition: something follows `offset`.
    func read(after offset: Offset, limit: ByteCount, in db: Database) throws -> EventBlock {
        let statement = try db.cachedStatement(
            sql: "SELECT first, last, latest_ms, events FROM block WHERE execution = ? AND last > ? ORDER BY last")
        let rows = try Row.fetchCursor(statement, arguments: [number, Int64(offset.rawValue)])
        var last = offset
        var latest = Timestamp.epoch
        var bytes = ByteBufferAllocator().buffer(capacity: min(limit, head.bytes))
        while bytes.readableBytes < limit, let row = try rows.next() {
            let stored = StoredBlock(row)
            guard stored.first <= last.next, stored.last > last else { throw Self.hole }
            let (taken, isWhole) = try row.withUnsafeBytes(at: 3) { events in
                let skipped = events.length(ofLines: last.distance(from: stored.predecessor))
                let rest = UnsafeRawBufferPointer(rebasing: events[skipped...])
                let space = limit - bytes.readableBytes
                if rest.count <= space {
                    bytes.writeBytes(rest)
                    return (stored.last.distance(from: last), true)
                }
                guard last == offset else { return (0, false) }
                let part = rest.wholeLines(within: space)
                bytes.writeBytes(UnsafeRawBufferPointer(rebasing: rest[..<part.length]))
                return (part.count, false)
            }
            last = last.advanced(by: taken)
            if taken > 0 { latest = max(latest, stored.latest) }
            if !isWhole { break }
        }
        guard last > offset else { throw Self.hole }
        return EventBlock(
            first: offset.next, last: last, latest: latest, endsLog: head.isEnded && last == head.offset, bytes: bytes)
    }

    /// The offset before the first event that is not older than `time`.
    ///
    /// - Precondition: there is one.
    func offset(before time: Timestamp, in db: Database) throws -> Offset {
        let statement = try db.cachedStatement(
            sql: "SELECT first, last, latest_ms, events FROM block WHERE execution = ? AND last > ? ORDER BY last")
        let before = try lastOffset(ofBlocksBefore: time, in: db)
        let rows = try Row.fetchCursor(statement, arguments: [number, Int64(before.rawValue)])
        // What a block says of its time may be true of a later one only: both were cut from one append.
        while let row = try rows.next() {
            var offset = StoredBlock(row).predecessor
            let found = try row.withUnsafeBytes(at: 3) { events in
                var position = 0
                while let newline = events.firstNewline(from: position) {
                    let line = UnsafeRawBufferPointer(rebasing: events[position..<newline])
                    if try LogEvent(line: line).timestamp >= time { return true }
                    position = newline + 1
                    offset = offset.next
                }
                return false
            }
            if found { return offset }
        }
        throw Self.hole
    }

    /// Halves the log until the first block is found whose `latest_ms` reaches `time`: that grows with the offset, so the
    /// index of offsets is one of times too.
    private func lastOffset(ofBlocksBefore time: Timestamp, in db: Database) throws -> Offset {
        let statement = try db.cachedStatement(
            sql: "SELECT first, last, latest_ms FROM block WHERE execution = ? AND last > ? ORDER BY last LIMIT 1")
        // The blocks up to `before` are too old; the one that begins after `end` isn't.
        var before = Offset.zero
        var end = head.offset
        while before < end {
            let middle = before.advanced(by: end.distance(from: before) / 2)
            guard let row = try Row.fetchOne(statement, arguments: [number, Int64(middle.rawValue)]) else {
                throw Self.hole
            }
            let block = StoredBlock(row)
            if block.latest < time {
                before = block.last
            } else {
                end = max(before, block.predecessor)
            }
        }
        return before
    }

    private static let hole = LogStoreError.unavailable("the log's blocks are damaged: see `everyline doctor`")
}

/// What a block's row says of it.
struct StoredBlock {
    let first: Offset
    let last: Offset
    let latest: Timestamp

    /// - Parameter row: `first`, `last`, `latest_ms`.
    init(_ row: Row) {
        first = Offset(row[0] as UInt64)
        last = Offset(row[1] as UInt64)
        latest = Timestamp(milliseconds: row[2])
    }

    var predecessor: Offset { Offset(first.rawValue - 1) }
}

extension Row {
    /// Lends a blob's bytes, without a copy.
    func withUnsafeBytes<Value>(
        at index: Int, _ body: (UnsafeRawBufferPointer) throws -> Value
    ) throws -> Value {
        try withUnsafeData(atIndex: index) { data in
            guard let data else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
            return try data.withUnsafeBytes(body)
        }
    }
}

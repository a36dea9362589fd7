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

    /// - Throws: ``LogStoreError/unknownExecution``, ``LogStoreError/damaged(_:)``.
    init(_ execution: ExecutionID, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "SELECT number, head, log_bytes, latest_ms, status, started_ms FROM execution WHERE id = ?")
        guard let row = try Row.fetchOne(statement, arguments: [execution.rawValue]) else {
            throw LogStoreError.unknownExecution
        }
        guard let status = ExecutionStatus(rawValue: try row.stored(4)) else { throw LogStoreError.damagedRow }
        number = try row.stored(0)
        self.status = status
        started = try row.storedIfAny(5).map(Timestamp.init(stored:))
        head = LogHead(
            offset: try Offset(stored: row.stored(1)), isEnded: status.isTerminal,
            bytes: try Int(storedBytes: row.stored(2)), latest: try Timestamp(stored: row.stored(3)))
        // The end is an event.
        if head.isEnded && head.offset == .zero { throw LogStoreError.damagedRow }
    }

    /// Joins stored blocks into one of at most `limit` bytes, or of one event that is longer.
    ///
    /// What a block holds is what was written, by its checksum, and as many events as its row says, the first and the
    /// last of them in their place.
    ///
    /// - Precondition: something follows `offset`.
    /// - Throws: ``LogStoreError/damaged(_:)``.
    func read(after offset: Offset, limit: ByteCount, in db: Database) throws -> EventBlock {
        let statement = try db.cachedStatement(
            sql: "SELECT \(StoredBlock.columns) FROM block WHERE execution = ? AND last > ? ORDER BY last")
        let rows = try Row.fetchCursor(statement, arguments: [number, Int64(offset.rawValue)])
        var last = offset
        var latest = Timestamp.epoch
        var bytes = ByteBufferAllocator().buffer(capacity: min(limit, head.bytes))
        while bytes.readableBytes < limit, let row = try rows.next() {
            let stored = try StoredBlock(row)
            guard stored.first <= last.next, stored.last > last, stored.last <= head.offset else {
                throw LogStoreError.damagedBlocks
            }
            let (taken, isWhole) = try row.withEvents { events in
                guard stored.isBlock(of: events) else { throw LogStoreError.damagedBlocks }
                let skipped = events.length(ofLines: last.distance(from: stored.predecessor))
                let rest = UnsafeRawBufferPointer(rebasing: events[skipped...])
                guard rest.isEvent(last.next, at: 0) else { throw LogStoreError.damagedBlocks }
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
        guard last > offset else { throw LogStoreError.damagedBlocks }
        return EventBlock(
            first: offset.next, last: last, latest: latest, endsLog: head.isEnded && last == head.offset, bytes: bytes)
    }

    /// The offset before the first event that is not older than `time`.
    ///
    /// - Precondition: there is one.
    func offset(before time: Timestamp, in db: Database) throws -> Offset {
        let statement = try db.cachedStatement(
            sql: "SELECT \(StoredBlock.columns) FROM block WHERE execution = ? AND last > ? ORDER BY last")
        let before = try lastOffset(ofBlocksBefore: time, in: db)
        let rows = try Row.fetchCursor(statement, arguments: [number, Int64(before.rawValue)])
        // What a block says of its time may be true of a later one only: both were cut from one append.
        while let row = try rows.next() {
            var offset = try StoredBlock(row).predecessor
            let found = try row.withEvents { events in
                var position = 0
                while let newline = events.firstNewline(from: position) {
                    let line = UnsafeRawBufferPointer(rebasing: events[position..<newline])
                    // A line that is no event.
                    guard let event = try? LogEvent(line: line) else { throw LogStoreError.damagedBlocks }
                    if event.timestamp >= time { return true }
                    position = newline + 1
                    offset = offset.next
                }
                return false
            }
            if found { return offset }
        }
        throw LogStoreError.damagedBlocks
    }

    /// Halves the log until the first block is found whose `latest_ms` reaches `time`: that grows with the offset, so
    /// the index of offsets is one of times too.
    private func lastOffset(ofBlocksBefore time: Timestamp, in db: Database) throws -> Offset {
        let statement = try db.cachedStatement(
            sql: "SELECT first, last, latest_ms FROM block WHERE execution = ? AND last > ? ORDER BY last LIMIT 1")
        // The blocks up to `before` are too old; the one that begins after `end` isn't.
        var before = Offset.zero
        var end = head.offset
        while before < end {
            let middle = before.advanced(by: end.distance(from: before) / 2)
            guard let row = try Row.fetchOne(statement, arguments: [number, Int64(middle.rawValue)]) else {
                throw LogStoreError.damagedBlocks
            }
            let block = try StoredBlock(row)
            if block.latest < time {
                before = block.last
            } else {
                end = min(middle, max(before, block.predecessor))
            }
        }
        return before
    }
}

/// What a block's row says of it.
struct StoredBlock {
    let first: Offset
    let last: Offset
    let latest: Timestamp

    /// What a row needs to be read as a block with its events.
    static let columns = "first, last, latest_ms, events, crc, unpacked"

    /// - Parameter row: `first`, `last`, `latest_ms`.
    /// - Throws: ``LogStoreError/damaged(_:)``.
    init(_ row: Row) throws {
        do {
            first = try Offset(stored: row.stored(0))
            last = try Offset(stored: row.stored(1))
            latest = try Timestamp(stored: row.stored(2))
        } catch is LogStoreError {
            throw LogStoreError.damagedBlocks
        }
        guard first > .zero, first <= last else { throw LogStoreError.damagedBlocks }
    }

    /// Whether `events` are as many lines as the row says, the first and the last of them in their place.
    func isBlock(of events: UnsafeRawBufferPointer) -> Bool {
        guard events.last == UInt8(ascii: "\n"), events.newlineCount == last.distance(from: predecessor) else {
            return false
        }
        let end = events[..<(events.count - 1)].lastIndex(of: UInt8(ascii: "\n"))
        return events.isEvent(first, at: 0) && events.isEvent(last, at: end.map { $0 + 1 } ?? 0)
    }

    var predecessor: Offset { Offset(first.rawValue - 1) }
}

extension UnsafeRawBufferPointer {
    /// Whether the line that begins at `start` is the event with this offset.
    fileprivate func isEvent(_ offset: Offset, at start: Int) -> Bool {
        let beginning = "{\"offset\":\(offset.rawValue),".utf8
        return start + beginning.count <= count && self[start..<(start + beginning.count)].elementsEqual(beginning)
    }
}

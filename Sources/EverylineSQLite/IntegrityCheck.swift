package import Everyline
import GRDB

/// Reads everything that is stored and holds it against what must be true of it.
package struct IntegrityCheck: Sendable {
    package struct Report: Sendable, Equatable {
        package var executions = 0
        package var events = 0
        package var bytes: ByteCount = 0
        /// What is wrong, a sentence each; the first hundred.
        package var faults: [String] = []

        mutating func add(_ fault: String) {
            if faults.count < 100 { faults.append(fault) }
        }
    }

    private let database: SQLiteDatabase

    package init(_ database: SQLiteDatabase) { self.database = database }

    /// Checks SQLite's own structure, then each log, each on a snapshot of one moment.
    ///
    /// - Parameter progress: is called before each log.
    /// - Throws: ``LogStoreError`` if the database can't be read at all.
    package func run(progress: (ExecutionID) -> Void = { _ in }) async throws -> Report {
        var report = Report()
        let structure = try await database.read { try String.fetchAll($0, sql: "PRAGMA integrity_check(100)") }
        for line in structure where line != "ok" { report.add("SQLite: \(line)") }
        let ids = try await database.read {
            try String.fetchAll($0, sql: "SELECT id FROM execution ORDER BY number")
        }
        for id in ids.compactMap({ ExecutionID($0) }) {
            progress(id)
            let found = try await database.read { try LogCheck.run(id, in: $0) }
            guard let found else { continue }
            report.executions += 1
            report.events += found.events
            report.bytes += found.bytes
            for fault in found.faults { report.add("\(id): \(fault)") }
        }
        return report
    }
}

/// Checks one log: its blocks follow each other without a hole and hold what their rows say; the end is where the status
/// says it is.
private struct LogCheck {
    var events = 0
    var bytes = 0
    var faults: [String] = []
    private var last = Offset.zero
    private var latest = Timestamp.epoch
    private var hasEnd = false

    /// - Returns: `nil` if the execution has been removed meanwhile.
    static func run(_ id: ExecutionID, in db: Database) throws -> LogCheck? {
        let log: LogRow
        do { log = try LogRow(id, in: db) } catch LogStoreError.unknownExecution { return nil }
        var check = LogCheck()
        let rows = try Row.fetchCursor(
            db, sql: "SELECT first, last, latest_ms, events FROM block WHERE execution = ? ORDER BY last",
            arguments: [log.number])
        while let row = try rows.next() {
            let block = StoredBlock(row)
            try row.withUnsafeBytes(at: 3) { check.add(block, $0) }
        }
        check.compare(with: log.head)
        return check
    }

    private mutating func add(_ block: StoredBlock, _ lines: UnsafeRawBufferPointer) {
        let name = "block \(block.first)–\(block.last)"
        if block.first != last.next { faults.append("\(name) follows event \(last)") }
        if hasEnd { faults.append("\(name) follows the end") }
        if block.latest < latest { faults.append("\(name) goes back in time in the index") }
        var offset = block.predecessor
        var position = 0
        while let newline = lines.firstNewline(from: position) {
            let line = UnsafeRawBufferPointer(rebasing: lines[position..<newline])
            position = newline + 1
            offset = offset.next
            guard let event = try? LogEvent(line: line), event.offset == offset else {
                faults.append("\(name): event \(offset) is not what stands in its place")
                continue
            }
            if event.timestamp > block.latest { faults.append("event \(offset) is later than its block says") }
            if case .end = event.content { hasEnd = true }
        }
        if offset != block.last || position != lines.count {
            faults.append("\(name) holds events up to \(offset)")
        }
        events += offset.distance(from: block.predecessor)
        bytes += lines.count
        last = block.last
        latest = block.latest
    }

    private mutating func compare(with head: LogHead) {
        if last != head.offset { faults.append("the log's head is \(head.offset), its last event \(last)") }
        if bytes != head.bytes { faults.append("the log has \(bytes) bytes instead of \(head.bytes)") }
        if hasEnd != head.isEnded {
            faults.append(hasEnd ? "the log has its end, but the status says no" : "the end event is missing")
        }
    }
}

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

    /// Checks SQLite's own structure, then each log, each on a snapshot of one moment, then the keys. What can't be
    /// read is a fault, and the check goes on behind it.
    ///
    /// - Parameter progress: is called before each log.
    package func run(progress: (ExecutionID) -> Void = { _ in }) async -> Report {
        var report = Report()
        let structure = await read("SQLite", or: [], &report) {
            try String.fetchAll($0, sql: "PRAGMA integrity_check(100)")
        }
        for line in structure where line != "ok" { report.add("SQLite: \(line)") }
        var number = Int64.min
        while let next = await execution(after: number, &report) {
            number = next.number
            guard let id = next.id else {
                report.add("execution number \(number): its id is damaged")
                continue
            }
            progress(id)
            let found = await read("\(id)", or: nil, &report) { try LogCheck.run(id, in: $0) }
            guard let found else { continue }
            report.executions += 1
            report.events += found.events
            report.bytes += found.bytes
            for fault in found.faults { report.add("\(id): \(fault)") }
        }
        let keys = await read("the keys", or: 0, &report) { db in
            try Row.fetchAll(db, sql: "SELECT * FROM api_key").count { (try? APIKey(row: $0)) == nil }
        }
        if keys > 0 { report.add("\(keys) API keys' rows are damaged; they are refused") }
        return report
    }

    private func read<Value: Sendable>(
        _ what: String, or nothing: Value, _ report: inout Report,
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async -> Value {
        do {
            return try await database.read(body)
        } catch {
            report.add("\(what): can't be read: \(error)")
            return nothing
        }
    }

    /// The execution that comes next in the order of their numbers; without an id if that is none.
    private func execution(after number: Int64, _ report: inout Report) async -> (number: Int64, id: ExecutionID?)? {
        await read("the list of executions", or: nil, &report) { db in
            let next = "SELECT number, id FROM execution WHERE number > ? ORDER BY number LIMIT 1"
            guard let row = try Row.fetchOne(db, sql: next, arguments: [number]) else { return nil }
            return (try row.stored(0), (try? row.stored(1, as: String.self)).flatMap { ExecutionID($0) })
        }
    }
}

/// Checks one execution's row and its log: its blocks follow each other without a hole and hold what their rows say;
/// the end is where the status says it is.
private struct LogCheck {
    var events = 0
    var bytes = 0
    var faults: [String] = []
    private var last = Offset.zero
    private var latest = Timestamp.epoch
    private var hasEnd = false

    /// - Returns: `nil` if the execution has been removed meanwhile.
    static func run(_ id: ExecutionID, in db: Database) throws -> LogCheck? {
        var check = LogCheck()
        let log: LogRow
        do {
            log = try LogRow(id, in: db)
            guard try SQLiteExecutionStore.isSound(id, in: db) else { throw LogStoreError.damagedRow }
        } catch LogStoreError.unknownExecution {
            return nil
        } catch LogStoreError.damaged {
            check.faults.append("its row is damaged")
            return check
        }
        let rows = try Row.fetchCursor(
            db, sql: "SELECT \(StoredBlock.columns) FROM block WHERE execution = ? ORDER BY last",
            arguments: [log.number])
        while let row = try rows.next() {
            do {
                let block = try StoredBlock(row)
                try row.withStoredEvents { events, areAsWritten in
                    check.add(block, events)
                    if !areAsWritten {
                        check.faults.append("block \(block.first)–\(block.last) isn't what was written")
                    }
                }
            } catch LogStoreError.damaged {
                check.faults.append("a block's row is damaged")
            }
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

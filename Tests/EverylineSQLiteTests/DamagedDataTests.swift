import Everyline
@testable import EverylineSQLite
import EverylineTesting
import Foundation
import GRDB
import NIOCore
import Testing

@Suite("A damaged database")
struct DamagedDataTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private var path: String { directory.path + "/" + SQLiteDatabase.fileName }

    /// Two logs, of which `victim` will be damaged.
    private func fill(isEnded: Bool) async throws {
        let database = try SQLiteDatabase.open(directory.path)
        let log = SQLiteLogStore(database, logLimit: .gibibytes(1))
        for id in ["other", "victim"] {
            _ = try await SQLiteExecutionStore(database).create(
                Sample.execution(id), appendToken: Sample.hash(id), idempotency: nil)
            for number in 0..<3 as Range<UInt64> {
                let body = Sample.body(
                    ["one", "two"], after: number * 2, at: 2000 + Int64(number),
                    end: number == 2 && isEnded ? Sample.success : nil)
                let append = LogAppend(body, to: Sample.id(id), after: Offset(number * 2))
                _ = try await log.append([append], at: Timestamp(milliseconds: 5000))[0].get()
            }
        }
        let key = Sample.key("key")
        try await SQLiteAccessStore(database).add(key)
        try database.close()
    }

    private func change(_ sql: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { db in
            try db.execute(sql: "PRAGMA ignore_check_constraints = ON")
            try db.execute(sql: sql)
        }
        try queue.close()
    }

    /// Everything that is done with an execution and its log. Whatever it throws must be one of the store's own errors.
    private func tryEverything(_ database: SQLiteDatabase, with id: String) async throws {
        let log = SQLiteLogStore(database, logLimit: .gibibytes(1))
        let executions = SQLiteExecutionStore(database)
        let id = Sample.id(id)
        for step in 0..<8 {
            do {
                switch step {
                case 0: _ = try await executions.execution(id)
                case 1: _ = try await executions.appendToken(of: id)
                case 2: _ = try await log.head(of: id)
                case 3:
                    for offset in 0..<8 as Range<UInt64> {
                        for limit in [1, 200, 1 << 20] {
                            let read = try await log.read(id, after: Offset(offset), limit: limit)
                            guard let block = read.block else { continue }
                            // A block is what it says, or it isn't given.
                            for end in block.first.rawValue...block.last.rawValue {
                                _ = block.prefix(through: Offset(end))
                                _ = block.suffix(after: Offset(end))
                            }
                        }
                    }
                case 4:
                    for time in [0, 2001, 2002, 9999] as [Int64] {
                        _ = try await log.offset(in: id, before: Timestamp(milliseconds: time))
                    }
                case 5:
                    let appends = (0..<3 as Range<UInt64>).map {
                        LogAppend(Sample.body(["one", "two"], after: $0 * 2), to: id, after: Offset($0 * 2))
                    }
                    _ = try await log.append(appends, at: .epoch)
                case 6: _ = try await executions.requestStop(id, by: Sample.user("u"), at: .epoch)
                default:
                    let body = Sample.body(["more"], after: 6, at: 6000)
                    _ = try await log.append([LogAppend(body, to: id, after: Offset(6))], at: .epoch)
                }
            } catch is LogStoreError {
            } catch is ExecutionStoreError {
            }
        }
    }

    static let edits = [
        "UPDATE block SET first = 0 WHERE first = 3", "UPDATE block SET first = -5 WHERE first = 3",
        "UPDATE block SET first = last + 10 WHERE first = 3", "UPDATE block SET last = 0 WHERE first = 3",
        "UPDATE block SET last = 9223372036854775807 WHERE first = 5",
        "UPDATE block SET first = 9223372036854775807, last = 9223372036854775807 WHERE first = 5",
        "UPDATE block SET events = x'' WHERE first = 3", "UPDATE block SET events = randomblob(500) WHERE first = 3",
        "UPDATE block SET events = CAST(substr(events, 1, length(events) - 3) AS BLOB) WHERE first = 3",
        "UPDATE block SET events = CAST(replace(CAST(events AS TEXT), char(10), ' ') AS BLOB) WHERE first = 3",
        "UPDATE block SET events = CAST(events || events AS BLOB) WHERE first = 3",
        "UPDATE block SET unpacked = 100 WHERE first = 3", "UPDATE block SET unpacked = -1 WHERE first = 3",
        "UPDATE block SET unpacked = 9223372036854775807 WHERE first = 3",
        "UPDATE block SET latest_ms = -9223372036854775807 WHERE first = 3", "DELETE FROM block WHERE first = 3",
        "UPDATE execution SET head = -1", "UPDATE execution SET head = head + 5",
        "UPDATE execution SET head = 9223372036854775807", "UPDATE execution SET head = 0",
        "UPDATE execution SET log_bytes = -1", "UPDATE execution SET log_bytes = 9223372036854775807",
        "UPDATE execution SET latest_ms = 9223372036854775807", "UPDATE execution SET status = 'X'",
        "UPDATE execution SET command = '{'", "UPDATE execution SET append_token = x'00'",
        "UPDATE execution SET exit_code = 9223372036854775807", "UPDATE execution SET created_ms = 9223372036854775807",
        "UPDATE execution SET owner = 'a b'", "UPDATE execution SET producer = ''",
        "UPDATE execution SET merged = 9223372036854775807", "UPDATE execution SET merged = -9",
        "UPDATE execution SET id = 'a b'",
    ]

    @Test("spoils the log that is damaged and no other, and its fault is named", arguments: zip(edits, edits.indices))
    func oneRow(sql: String, number: Int) async throws {
        let isEnded = number.isMultiple(of: 2)
        try await fill(isEnded: isEnded)
        let table =
            sql.contains("execution")
            ? "id = 'victim'" : "execution = (SELECT number FROM execution WHERE id = 'victim')"
        try change(sql + (sql.contains(" WHERE ") ? " AND " : " WHERE ") + table)
        let database = try SQLiteDatabase.open(directory.path)
        let report = await IntegrityCheck(database).run()
        if !sql.contains("SET merged") { #expect(!report.faults.isEmpty) }
        #expect(report.faults.allSatisfy { !$0.contains("other") }, "\(report.faults)")
        try await tryEverything(database, with: "victim")
        try await BlockMerging(database).run()
        _ = try await Retention(database, .init(age: .seconds(1000), size: .mebibytes(1))).enforce(at: .epoch)
        // The other log is whole, listed, and goes on.
        let listed = try await SQLiteExecutionStore(database).list(ExecutionQuery(limit: 10))
        #expect(listed.map(\.id).contains(Sample.id("other")))
        let log = SQLiteLogStore(database, logLimit: .gibibytes(1))
        let head: UInt64 = isEnded ? 7 : 6
        #expect(try await log.read(Sample.id("other"), after: .zero, limit: .mebibytes(1)).block?.last == Offset(head))
        if !isEnded {
            let appends = ["victim", "other"].map {
                LogAppend(Sample.body(["more"], after: 6, at: 7000), to: Sample.id($0), after: Offset(6))
            }
            #expect(try await log.append(appends, at: .epoch)[1].get().head.offset == Offset(7))
        }
        try database.close()
    }

    @Test("with one bit of a line changed is refused as damaged, whichever it is", arguments: 0..<16 as Range<UInt64>)
    func oneBit(seed: UInt64) async throws {
        try await fill(isEnded: false)
        try flip(SeededGenerator(seed: seed), of: "true")
        let database = try SQLiteDatabase.open(directory.path)
        let log = SQLiteLogStore(database, logLimit: .gibibytes(1))
        await #expect(throws: LogStoreError.damagedBlocks) {
            try await log.read(Sample.id("victim"), after: .zero, limit: .mebibytes(1))
        }
        #expect(try await log.read(Sample.id("other"), after: .zero, limit: .mebibytes(1)).block?.last == Offset(6))
        try database.close()
    }

    @Test(
        "with one bit of a packed block changed is refused as damaged, or read as what it is",
        arguments: 0..<32 as Range<UInt64>)
    func oneBitPacked(seed: UInt64) async throws {
        try await fill(isEnded: true)
        let first = try SQLiteDatabase.open(directory.path)
        let before = try await SQLiteLogStore(first, logLimit: .gibibytes(1)).read(
            Sample.id("victim"), after: .zero, limit: .mebibytes(1))
        try await BlockMerging(first).run()
        try first.close()
        try flip(SeededGenerator(seed: seed), of: "unpacked IS NOT NULL")
        let database = try SQLiteDatabase.open(directory.path)
        let log = SQLiteLogStore(database, logLimit: .gibibytes(1))
        do {
            let read = try await log.read(Sample.id("victim"), after: .zero, limit: .mebibytes(1))
            #expect(read.block?.bytes == before.block?.bytes)
        } catch LogStoreError.damaged {
            #expect(await !IntegrityCheck(database).run().faults.isEmpty)
        }
        #expect(try await log.read(Sample.id("other"), after: .zero, limit: .mebibytes(1)).block?.last == Offset(7))
        try database.close()
    }

    /// Changes one bit of the first block of the victim for which the condition holds.
    private func flip(_ generator: SeededGenerator, of condition: String) throws {
        var generator = generator
        let queue = try DatabaseQueue(path: path)
        try queue.inDatabase { db in
            let victim = "execution = (SELECT number FROM execution WHERE id = 'victim') AND \(condition)"
            let block = try Row.fetchOne(
                db, sql: "SELECT row, events FROM block WHERE \(victim) ORDER BY last LIMIT 1")
            let found = try #require(block)
            var events = try #require(found["events"] as Data?)
            let changed = Int.random(in: 0..<events.count, using: &generator)
            events[changed] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            try db.execute(
                sql: "UPDATE block SET events = ? WHERE row = ?", arguments: [events, found["row"] as Int64])
            #expect(db.changesCount == 1)
        }
        try queue.close()
    }

    @Test("may have bytes changed anywhere: it is refused, or read as what it is", arguments: 0..<24 as Range<UInt64>)
    func anyBytes(seed: UInt64) async throws {
        try await fill(isEnded: seed.isMultiple(of: 2))
        var generator = SeededGenerator(seed: seed)
        let queue = try DatabaseQueue(path: path)
        try queue.inDatabase { db in _ = try Row.fetchAll(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        try queue.close()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for _ in 0..<Int.random(in: 1...40, using: &generator) {
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        let database: SQLiteDatabase
        do {
            database = try SQLiteDatabase.open(directory.path)
        } catch {
            return
        }
        _ = await IntegrityCheck(database).run()
        for id in ["victim", "other"] { try await tryEverything(database, with: id) }
        do {
            _ = try await SQLiteExecutionStore(database).list(ExecutionQuery(limit: 10))
            _ = try await SQLiteAccessStore(database).keys()
            try await BlockMerging(database).run()
            _ = try await Retention(database, .init(age: .seconds(1), size: 10)).enforce(at: .epoch)
        } catch is LogStoreError {
        }
        try database.close()
    }
}

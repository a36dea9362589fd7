import Everyline
@testable import EverylineSQLite
import EverylineTesting
import Foundation
import GRDB
import NIOCore
import Testing

@Suite("Stored logs")
struct SQLiteMaintenanceTests {
    private let directory: TemporaryDirectory
    private let database: SQLiteDatabase
    private let log: SQLiteLogStore
    private let executions: SQLiteExecutionStore

    init() throws {
        directory = try TemporaryDirectory()
        database = try SQLiteDatabase.open(directory.path)
        log = SQLiteLogStore(database, logLimit: .gibibytes(1))
        executions = SQLiteExecutionStore(database)
    }

    private func fill(_ id: String, blocks: Int, lines: Int = 1, endsAt end: Int64? = nil) async throws {
        let execution = Sample.execution(id)
        _ = try await executions.create(execution, appendToken: Sample.hash(id), idempotency: nil)
        var head: UInt64 = 0
        var appends: [LogAppend] = []
        for number in 0..<blocks {
            let messages = (0..<lines).map { "line \($0) of block \(number)" }
            appends.append(
                LogAppend(
                    Sample.body(messages, after: head, at: Int64(number)), to: execution.id, after: Offset(head)))
            head += UInt64(lines)
        }
        if end != nil {
            appends.append(
                LogAppend(
                    Sample.body([String](), after: head, end: Sample.success), to: execution.id, after: Offset(head)))
        }
        _ = try await log.append(appends, at: Timestamp(milliseconds: end ?? 0))
    }

    private func bytes(of id: String) async throws -> ByteBuffer {
        var all = ByteBuffer()
        var cursor = Offset.zero
        while let block = try await log.read(Sample.id(id), after: cursor, limit: 50_000).block {
            all.writeImmutableBuffer(block.bytes)
            cursor = block.last
        }
        return all
    }

    private func rows(_ sql: String) throws -> Int {
        let queue = try DatabaseQueue(path: directory.path + "/" + SQLiteDatabase.fileName)
        return try queue.read { try Int.fetchOne($0, sql: sql) ?? -1 }
    }

    @Test(
        "have few blocks after their end, packed to a sixth where they are of any size, and the same bytes",
        arguments: [1, 2, 3000, 9000])
    func merging(blocks: Int) async throws {
        try await fill("open", blocks: 7)
        try await fill("ended", blocks: blocks, lines: 3, endsAt: 5)
        let before = try await bytes(of: "ended")
        try await BlockMerging(database).run()
        #expect(try await bytes(of: "ended") == before)
        #expect(try rows("SELECT count(*) FROM block WHERE execution = 1") == 7)
        let target = before.readableBytes / ByteCount.kibibytes(64) + 2
        #expect(try rows("SELECT count(*) FROM block WHERE execution = 2") <= target)
        let stored = try rows("SELECT sum(length(events)) FROM block WHERE execution = 2")
        #expect(stored <= (blocks < 1000 ? before.readableBytes : before.readableBytes / 6))
        for time in [Int64(0), 1, 2999] where time < blocks {
            let found = try await log.offset(in: Sample.id("ended"), before: Timestamp(milliseconds: time))
            #expect(found == Offset(UInt64(time * 3)))
        }
        #expect(await IntegrityCheck(database).run().faults.isEmpty)
        #expect(try rows("SELECT count(*) FROM execution WHERE merged IS NOT NULL") == 0)
        // What is packed stays as it is.
        try await database.write { try $0.execute(sql: "UPDATE execution SET merged = 0 WHERE id = 'ended'") }
        try await BlockMerging(database).run()
        #expect(try await bytes(of: "ended") == before)
        #expect(try rows("SELECT sum(length(events)) FROM block WHERE execution = 2") == stored)
    }

    @Test("whose text can't be packed keep it as it is")
    func incompressible() async throws {
        let execution = Sample.execution("noise")
        _ = try await executions.create(execution, appendToken: Sample.hash("noise"), idempotency: nil)
        var generator = SeededGenerator(seed: 7)
        let noise = String(
            decoding: (0..<50_000).map { _ in UInt8.random(in: 35..<91, using: &generator) }, as: UTF8.self)
        let appends = [
            LogAppend(Sample.body([noise], after: 0, end: Sample.success), to: execution.id, after: .zero)
        ]
        _ = try await log.append(appends, at: .epoch)
        let before = try await bytes(of: "noise")
        try await BlockMerging(database).run()
        #expect(try await bytes(of: "noise") == before)
        #expect(await IntegrityCheck(database).run().faults.isEmpty)
    }

    @Test("that ended too long ago are removed, others not, at the millisecond")
    func age() async throws {
        try await fill("old", blocks: 700, endsAt: 1000)
        try await fill("edge", blocks: 2, endsAt: 1001)
        try await fill("running", blocks: 2)
        let retention = Retention(database, .init(age: .seconds(10)))
        #expect(try await retention.enforce(at: Timestamp(milliseconds: 11_000)) == 0)
        #expect(try await retention.enforce(at: Timestamp(milliseconds: 11_001)) == 1)
        await #expect(throws: LogStoreError.unknownExecution) { try await log.head(of: Sample.id("old")) }
        #expect(try await log.head(of: Sample.id("edge")).offset == Offset(3))
        #expect(try await log.head(of: Sample.id("running")).offset == Offset(2))
        #expect(try rows("SELECT count(*) FROM block") == 5)
        #expect(try rows("SELECT count(*) FROM removed") == 0)
    }

    @Test("are removed from the oldest on while all are too large; one that goes on stays")
    func size() async throws {
        try await fill("running", blocks: 100)
        for number in 1...3 { try await fill("e\(number)", blocks: 100, endsAt: Int64(number)) }
        let one = try await log.head(of: Sample.id("e2")).bytes
        let all = try await bytes(of: "running").readableBytes + 3 * one
        #expect(try await Retention(database, .init(size: all)).enforce(at: .epoch) == 0)
        #expect(try await Retention(database, .init(size: all - 1)).enforce(at: .epoch) == 1)
        await #expect(throws: LogStoreError.unknownExecution) { try await log.head(of: Sample.id("e1")) }
        #expect(try await Retention(database, .init(size: 0)).enforce(at: .epoch) == 2)
        #expect(try await log.head(of: Sample.id("running")).offset == Offset(100))
        #expect(await IntegrityCheck(database).run() == .init(executions: 1, events: 100, bytes: all - 3 * one))
    }

    private func fillLarge(_ id: String, mebibytes: UInt64) async throws {
        let execution = Sample.execution(id)
        _ = try await executions.create(execution, appendToken: Sample.hash(id), idempotency: nil)
        let messages = Array(repeating: String(repeating: "x", count: 131_000), count: 8)
        for number in 0..<mebibytes {
            let append = LogAppend(
                Sample.body(messages, after: number * 8), to: execution.id, after: Offset(number * 8))
            for result in try await log.append([append], at: .epoch) { _ = try result.get() }
        }
        let end = LogAppend(
            Sample.body([String](), after: mebibytes * 8, end: Sample.success), to: execution.id,
            after: Offset(mebibytes * 8))
        for result in try await log.append([end], at: .epoch) { _ = try result.get() }
    }

    private func fileSize() throws -> Int {
        let path = directory.path + "/" + SQLiteDatabase.fileName
        return try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    }

    @Test("that are removed give their space back to the disk, but for what new logs will need next")
    func spaceGivenBack() async throws {
        try await fill("kept", blocks: 3)
        try await fillLarge("old", mebibytes: 40)
        try await database.checkpoint()
        #expect(try fileSize() > ByteCount.mebibytes(38))
        #expect(try await Retention(database, .init(size: 0)).enforce(at: .epoch) == 1)
        let space = try await database.space()
        #expect(space.isGivenBack && space.free <= Retention.keptFree && space.free > Retention.keptFree / 2)
        #expect(try fileSize() == space.pages && space.pages < ByteCount.mebibytes(20))
        #expect(await IntegrityCheck(database).run().faults.isEmpty)
        #expect(try await log.head(of: Sample.id("kept")).offset == Offset(3))
    }

    @Test("of a database that an older version made give it back once it has been compacted")
    func compaction() async throws {
        try database.close()
        let queue = try DatabaseQueue(path: directory.path + "/" + SQLiteDatabase.fileName)
        try await queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA auto_vacuum = NONE; VACUUM") }
        try queue.close()
        let older = try SQLiteDatabase.open(directory.path)
        let table = "CREATE TABLE large AS SELECT zeroblob(30000000) AS bytes; DROP TABLE large"
        try await older.pool.writeWithoutTransaction { try $0.execute(sql: table) }
        try await Retention(older, .init(size: 0)).enforce(at: .epoch)
        let before = try await older.space()
        #expect(!before.isGivenBack && before.free > 29_000_000)
        try await older.compact()
        let after = try await older.space()
        #expect(after.isGivenBack && after.free == 0 && after.pages < 1_000_000)
        #expect(try fileSize() == after.pages)
        #expect(await IntegrityCheck(older).run().faults.isEmpty)
        try older.close()
    }

    @Test(
        "that were tampered with are found out",
        arguments: [
            "DELETE FROM block WHERE first = 2",
            """
            UPDATE block SET first = 2, events =
                CAST(replace(CAST(events AS TEXT), '"offset":2,', '"offset":3,') AS BLOB) WHERE first = 2
            """,
            "UPDATE block SET events = CAST(substr(events, 1, length(events) - 1) AS BLOB) WHERE first = 3",
            "UPDATE block SET latest_ms = 0 WHERE first = 3",
            "UPDATE execution SET head = head + 1",
            "UPDATE execution SET log_bytes = log_bytes - 1",
            "UPDATE execution SET status = 'RUNNING'",
        ])
    func tampering(sql: String) async throws {
        try await fill("e", blocks: 3, endsAt: 7)
        #expect(await IntegrityCheck(database).run().faults.isEmpty)
        try database.close()
        let queue = try DatabaseQueue(path: directory.path + "/" + SQLiteDatabase.fileName)
        try await queue.write { try $0.execute(sql: sql) }
        try queue.close()
        let again = try SQLiteDatabase.open(directory.path)
        #expect(await !IntegrityCheck(again).run().faults.isEmpty)
        try again.close()
    }

    @Test("of a full disk are refused as such, and accepted when there is space")
    func fullDisk() async throws {
        try await fill("e", blocks: 1)
        // A limit of pages is SQLite's own way to have a full disk.
        try await limit(pages: 8)
        let large = LogAppend(
            Sample.body([String(repeating: "x", count: 200_000)], after: 1), to: Sample.id("e"), after: Offset(1))
        await #expect(throws: LogStoreError.noSpace) { _ = try await log.append([large], at: .epoch) }
        #expect(try await log.head(of: Sample.id("e")).offset == Offset(1))
        try await limit(pages: 1000)
        #expect(try await log.append([large], at: .epoch)[0].get().head.offset == Offset(2))
    }

    /// Lets the database grow by no more than this.
    private func limit(pages: Int) async throws {
        try await database.pool.writeWithoutTransaction { db in
            let used = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            try db.execute(sql: "PRAGMA max_page_count = \(used + pages)")
        }
    }
}

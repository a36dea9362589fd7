import Everyline
@testable import EverylineSQLite
import EverylineTesting
import Foundation
import GRDB
import Testing

@Suite("A database's incarnation")
struct IncarnationTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func opened<Value: Sendable>(_ body: (SQLiteDatabase) async throws -> Value) async throws -> Value {
        let database = try SQLiteDatabase.open(directory.path)
        let value = try await body(database)
        try database.close()
        return value
    }

    private func current() async throws -> Incarnation? {
        try await opened { SQLiteLogStore($0, logLimit: .max).incarnation }
    }

    private func change(_ sql: String) throws {
        let queue = try DatabaseQueue(path: directory.path + "/" + SQLiteDatabase.fileName)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    @Test("stays with the data, and changes with a restore alone")
    func stays() async throws {
        let first = try await current()
        #expect(first != nil)
        #expect(try await current() == first)
        let second = try await opened { try await $0.markRestored() }
        #expect(second != first)
        #expect(try await current() == second)
    }

    @Test("is another one where the data were copied, and the same where they were moved")
    func copies() async throws {
        let first = try await current()
        let (path, copy) = (directory.path + "/" + SQLiteDatabase.fileName, directory.path + "/copy")
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        // Both are there at once, so that the copy can't have the first one's number.
        try FileManager.default.moveItem(atPath: path, toPath: directory.path + "/first")
        try FileManager.default.moveItem(atPath: copy, toPath: path)
        let second = try await current()
        #expect(second != nil && second != first)
        #expect(try await current() == second)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: directory.path + "/first", toPath: path)
        #expect(try await current() == first)
    }

    @Test("is another one where it is said that the data were put back")
    func putBack() async throws {
        let first = try await current()
        let database = try SQLiteDatabase.open(directory.path, isPutBack: true)
        #expect(SQLiteLogStore(database, logLimit: .max).incarnation != first)
        #expect(try await database.restores()?.count == 1)
        try database.close()
    }

    @Test("names the open logs to which nothing has been appended since it began")
    func untouched() async throws {
        try await opened { database in
            let (log, executions) = (
                SQLiteLogStore(database, logLimit: .max), SQLiteExecutionStore(database)
            )
            func append(_ body: AppendBody, to name: String, after head: UInt64) async throws {
                _ = try await log.append([LogAppend(body, to: Sample.id(name), after: Offset(head))], at: .epoch)
            }
            for name in ["silent", "going-on", "ended"] {
                _ = try await executions.create(
                    Sample.execution(name), appendToken: Sample.hash(name), idempotency: nil)
                try await append(Sample.body(["a"], after: 0), to: name, after: 0)
            }
            try await append(Sample.body([], after: 1, end: Sample.success), to: "ended", after: 1)
            #expect(try await database.untouchedSinceRestore() == nil)
            try await database.markRestored()
            #expect(try await database.untouchedSinceRestore()?.bases.count == 2)
            try await append(Sample.body(["b"], after: 1), to: "going-on", after: 1)
            let restored = try await database.untouchedSinceRestore()
            #expect(restored?.bases == [Sample.id("silent"): Offset(1)])
            #expect(restored?.notice(of: Sample.id("silent"))?.code == .restored)
        }
    }

    @Test("is given to a database of an earlier version, and to it alone")
    func migration() async throws {
        let first = try await current()
        try change(
            "DROP TABLE base; DROP TABLE incarnation; DELETE FROM grdb_migrations WHERE identifier LIKE '%: incarnations'"
        )
        let second = try await current()
        #expect(second != nil)
        #expect(second != first)
    }

    @Test(
        "whose row is damaged or gone is another one",
        arguments: ["UPDATE incarnation SET name = 'a/b'", "DELETE FROM incarnation"])
    func damage(sql: String) async throws {
        let first = try await current()
        try change(sql)
        let second = try await current()
        #expect(second != nil)
        #expect(second != first)
        #expect(try await current() == second)
    }

    @Test("leaves no base of a log that was removed")
    func retention() async throws {
        let id = Sample.id("e")
        try await opened { database in
            let log = SQLiteLogStore(database, logLimit: .max)
            _ = try await SQLiteExecutionStore(database).create(
                Sample.execution("e"), appendToken: Sample.hash("t"), idempotency: nil)
            try await database.markRestored()
            let end = Sample.body(["a"], after: 0, end: Sample.success)
            _ = try await log.append([LogAppend(end, to: id, after: .zero)], at: .epoch)
            #expect(try await bases(in: database) == 1)
            try await Retention(database, .init(age: .zero)).enforce(at: Timestamp(milliseconds: 1_000_000))
            #expect(try await bases(in: database) == 0)
        }
    }

    private func bases(in database: SQLiteDatabase) async throws -> Int? {
        try await database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM base") }
    }
}

import Everyline
import EverylineSQLite
import EverylineTesting
import Foundation
import GRDB
import Testing

@Suite("A data directory")
struct SQLiteDatabaseTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private var data: String { directory.path + "/a/data" }

    @Test("is made for its owner alone")
    func permissions() throws {
        let database = try SQLiteDatabase.open(data)
        defer { try? database.close() }
        let attributes = try FileManager.default.attributesOfItem(atPath: data)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    @Test("that was there before, open to others, gets a database for its owner alone")
    func filePermissions() throws {
        try FileManager.default.createDirectory(
            atPath: data, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        let database = try SQLiteDatabase.open(data)
        defer { try? database.close() }
        for suffix in ["", "-wal", "-shm"] {
            let path = data + "/" + SQLiteDatabase.fileName + suffix
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test("has a write-ahead log of its full size from the start, and nothing in it but the schema")
    func writeAheadLog() throws {
        let database = try SQLiteDatabase.open(data)
        defer { try? database.close() }
        let attributes = try FileManager.default.attributesOfItem(atPath: data + "/" + SQLiteDatabase.fileName + "-wal")
        #expect((attributes[.size] as? Int ?? 0) >= 8192 * 4096)
        let queue = try DatabaseQueue(path: data + "/" + SQLiteDatabase.fileName)
        #expect(try queue.read { try $0.tableExists("extension") } == false)
        #expect(try queue.read { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 } < 100)
    }

    @Test("belongs to one server at a time, and is free again when that closes")
    func lock() throws {
        let first = try SQLiteDatabase.open(data)
        #expect(throws: SQLiteDatabaseError.inUse(data)) { try SQLiteDatabase.open(data) }
        let reader = try SQLiteDatabase.openForReading(data)
        try reader.close()
        try first.close()
        try SQLiteDatabase.open(data).close()
    }

    @Test("of a newer version is refused, and left as it is")
    func newerVersion() throws {
        try SQLiteDatabase.open(data).close()
        let path = data + "/" + SQLiteDatabase.fileName
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99: something new')") }
        let before = try content(of: queue)
        #expect(throws: SQLiteDatabaseError.newerVersion(data)) { try SQLiteDatabase.open(data) }
        #expect(throws: SQLiteDatabaseError.newerVersion(data)) { try SQLiteDatabase.openForReading(data) }
        #expect(try content(of: queue) == before)
    }

    private func content(of queue: DatabaseQueue) throws -> [String] {
        try queue.read { db in
            try String.fetchAll(db, sql: "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
                + String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations")
        }
    }

    @Test("that holds something else than a database is refused with the reason")
    func rubbish() throws {
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let path = data + "/" + SQLiteDatabase.fileName
        try Data("this is not a database, but it is long enough to be one, perhaps".utf8)
            .write(to: URL(fileURLWithPath: path))
        #expect { try SQLiteDatabase.open(data) } throws: { "\($0)".contains("not a database") }
    }

    @Test("that can't be made is refused with the reason")
    func unusable() throws {
        try Data().write(to: URL(fileURLWithPath: directory.path + "/file"))
        #expect { try SQLiteDatabase.open(directory.path + "/file/data") } throws: {
            "\($0)".contains("Not a directory")
        }
    }

    @Test("that isn't there can't be looked at")
    func missing() throws {
        #expect(throws: SQLiteDatabaseError.missing(data + "/" + SQLiteDatabase.fileName)) {
            try SQLiteDatabase.openForReading(data)
        }
    }

    @Test(
        "of a version that noted neither who asked for a stop nor where commands run goes on, and notes it from then on"
    )
    func earlierVersion() async throws {
        let database = try SQLiteDatabase.open(data)
        let store = SQLiteExecutionStore(database)
        let place = CommandPlace(host: "h", user: "u", directory: "/d")
        func execution(_ id: String) -> Execution {
            Execution(
                id: Sample.id(id), command: ["x"], owner: Sample.user("ann"), producer: .external, place: place,
                createdAt: .epoch)
        }
        for id in ["before", "after"] {
            _ = try await store.create(execution(id), appendToken: Sample.hash(id), idempotency: nil)
        }
        _ = try await store.requestStop(Sample.id("before"), by: Sample.user("ann"), at: .epoch)
        try database.close()
        let queue = try DatabaseQueue(path: data + "/" + SQLiteDatabase.fileName)
        try await queue.write { db in
            try db.execute(
                sql:
                    """
                    ALTER TABLE execution DROP COLUMN stopped_by;
                    ALTER TABLE execution DROP COLUMN host;
                    ALTER TABLE execution DROP COLUMN host_user;
                    ALTER TABLE execution DROP COLUMN directory;
                    ALTER TABLE execution DROP COLUMN terminal_columns;
                    ALTER TABLE execution DROP COLUMN terminal_rows;
                    DELETE FROM grdb_migrations WHERE identifier LIKE '4:%' OR identifier LIKE '7:%'
                    """
            )
        }
        try queue.close()
        #expect(throws: SQLiteDatabaseError.olderVersion(data)) { try SQLiteDatabase.openForReading(data) }
        let again = try SQLiteDatabase.open(data)
        let later = SQLiteExecutionStore(again)
        #expect(try await later.execution(Sample.id("before")).stoppedBy == nil)
        #expect(try await later.execution(Sample.id("before")).status == .terminating)
        _ = try await later.requestStop(Sample.id("after"), by: Sample.user("bob"), at: .epoch)
        #expect(try await later.execution(Sample.id("after")).stoppedBy == Sample.user("bob"))
        #expect(try await later.execution(Sample.id("after")).place == CommandPlace())
        _ = try await later.create(execution("new"), appendToken: Sample.hash("new"), idempotency: nil)
        #expect(try await later.execution(Sample.id("new")).place == place)
        try again.close()
    }

    @Test("keeps everything across closing and opening")
    func reopening() async throws {
        let database = try SQLiteDatabase.open(data)
        let execution = Sample.execution("e")
        _ = try await SQLiteExecutionStore(database).create(
            execution, appendToken: Sample.hash("t"), idempotency: nil)
        let body = Sample.body(["a", "b"], after: 0, end: Sample.success)
        _ = try await SQLiteLogStore(database, logLimit: 1000)
            .append([LogAppend(body, to: execution.id, after: .zero)], at: .epoch)
        try database.close()
        let again = try SQLiteDatabase.open(data)
        let read = try await SQLiteLogStore(again, logLimit: 1000).read(execution.id, after: .zero, limit: 1000)
        #expect(read.block == body.block)
        #expect(read.head.isEnded)
        try again.close()
    }
}

import Everyline
import GRDB
import Glibc
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One directory's data: an SQLite database in WAL mode that one process at a time may write.
///
/// A commit is durable when it returns: `synchronous` is FULL, so SQLite syncs the write-ahead log in every commit
/// (sqlite.org/pragma.html#pragma_synchronous).
package final class SQLiteDatabase: Sendable {
    package static let fileName = "everyline.sqlite"

    /// The database's connections: one that writes, some that read.
    let pool: DatabasePool
    private let lock: DirectoryLock?
    /// Which life of the data this is; `nil` where it was opened to look at it.
    let current: Mutex<Incarnation?>
    /// Where it is written, and where the log's writer should work.
    package let thread = WritingThread()
    private let readers = ReadingThreads()

    /// Opens the data for this process alone, and brings its schema up to date. Makes the directory (0700) if need be.
    ///
    /// - Parameter isPutBack: begins another incarnation of the data, as a restore does.
    /// - Throws: ``SQLiteDatabaseError``.
    package static func open(_ directory: String, isPutBack: Bool = false) throws -> SQLiteDatabase {
        let lock = try DirectoryLock(directory)
        createFile(directory + "/" + fileName)
        let pool = try SQLiteDatabaseError.translating(directory) {
            let pool = try DatabasePool(path: directory + "/" + fileName, configuration: configuration())
            try pool.writeWithoutTransaction(demandDurability)
            let migrator = Schema.migrator
            if try pool.read(migrator.hasBeenSuperseded) { throw SQLiteDatabaseError.newerVersion(directory) }
            try migrator.migrate(pool)
            try pool.writeWithoutTransaction(extendWriteAheadLog)
            return pool
        }
        let file = try fileNumber(directory + "/" + fileName)
        let incarnation = try SQLiteDatabaseError.translating(directory) {
            try pool.write { try Self.incarnation(in: $0, ofFile: file, isPutBack: isPutBack) }
        }
        return SQLiteDatabase(pool: pool, lock: lock, incarnation)
    }

    /// Opens data that is there, as ``open(_:)`` does.
    ///
    /// - Throws: ``SQLiteDatabaseError``.
    package static func openExisting(_ directory: String, isPutBack: Bool = false) throws -> SQLiteDatabase {
        let path = directory + "/" + fileName
        guard FileManager.default.fileExists(atPath: path) else { throw SQLiteDatabaseError.missing(path) }
        return try open(directory, isPutBack: isPutBack)
    }

    /// Opens the data to look at it, also while a server works with it.
    ///
    /// - Throws: ``SQLiteDatabaseError``.
    package static func openForReading(_ directory: String) throws -> SQLiteDatabase {
        try openForReading(file: directory + "/" + fileName, of: directory)
    }

    /// Opens a backup to look at it.
    ///
    /// - Throws: ``SQLiteDatabaseError``.
    static func openForReading(file path: String) throws -> SQLiteDatabase {
        try openForReading(file: path, of: path)
    }

    private static func openForReading(file path: String, of name: String) throws -> SQLiteDatabase {
        guard FileManager.default.fileExists(atPath: path) else { throw SQLiteDatabaseError.missing(path) }
        var configuration = configuration()
        configuration.readonly = true
        let pool = try SQLiteDatabaseError.translating(name) {
            let pool = try DatabasePool(path: path, configuration: configuration)
            if try pool.read(Schema.migrator.hasBeenSuperseded) { throw SQLiteDatabaseError.newerVersion(name) }
            guard try pool.read(Schema.migrator.hasCompletedMigrations) else {
                let isEmpty = try pool.read { try Schema.migrator.appliedIdentifiers($0).isEmpty }
                throw isEmpty ? SQLiteDatabaseError.empty(path) : .olderVersion(name)
            }
            return pool
        }
        return SQLiteDatabase(pool: pool, lock: nil, nil)
    }

    private init(pool: DatabasePool, lock: DirectoryLock?, _ incarnation: Incarnation?) {
        current = Mutex(incarnation)
        self.pool = pool
        self.lock = lock
    }

    /// Closes the connections. The data may then be opened again.
    ///
    /// - Precondition: nothing is written any more.
    package func close() throws {
        thread.end()
        readers.end()
        // What is in the write-ahead log goes into the database, so that the one file is all of it.
        if lock != nil { _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) } }
        // SQLite removes the log's files with the last connection, if that is one that may write.
        pool.invalidateReadOnlyConnections()
        try pool.close()
        lock?.release()
    }

    /// Makes a new database's file for its owner alone, whatever the directory allows; SQLite gives its other files the
    /// same mode. If it can't be made, opening it says why.
    private static func createFile(_ path: String) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    /// A file's number in its file system: a copy has another one, a file that is moved there keeps it.
    private static func fileNumber(_ path: String) throws -> Int64 {
        var status = stat()
        guard stat(path, &status) == 0 else { throw SQLiteDatabaseError.missing(path) }
        return Int64(truncatingIfNeeded: status.st_ino)
    }

    private static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.label = "everyline"
        configuration.maximumReaderCount = ReadingThreads.count
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            // About 32 MiB of write-ahead log before a commit also writes back, and no more than 64 MiB kept on disk.
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 67108864")
            // Of a new database only: its file can become smaller (``Retention``). It must be said before the first
            // table is made.
            if !db.configuration.readonly { try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
            // Blocks are read from the file's pages where they lie: half the work of reading was copying them one by
            // one.
            if db.configuration.readonly { try db.execute(sql: "PRAGMA mmap_size = 2147418112") }
        }
        return configuration
    }

    /// Gives the write-ahead log its full size at once, by a transaction that is too large for memory and never
    /// committed.
    ///
    /// A sync of a file that hasn't grown needs no entry in the file system's journal: a small commit takes half the
    /// time.
    private static func extendWriteAheadLog(_ db: Database) throws {
        do {
            try db.inTransaction(.immediate) {
                try db.execute(
                    sql: "CREATE TABLE extension (bytes BLOB); INSERT INTO extension VALUES (zeroblob(37748736))")
                return .rollback
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            // A full disk is for the appends to report. It may have room again when the next one comes.
        }
    }

    /// GRDB sets `synchronous` to NORMAL itself, after `prepareDatabase`: so this has to come later, and is read back.
    private static func demandDurability(_ db: Database) throws {
        try db.execute(sql: "PRAGMA synchronous = FULL")
        let (synchronous, journal) = (
            try Int.fetchOne(db, sql: "PRAGMA synchronous"), try String.fetchOne(db, sql: "PRAGMA journal_mode")
        )
        guard synchronous == 2, journal == "wal" else {
            throw SQLiteDatabaseError.notDurable("synchronous=\(synchronous ?? -1), journal_mode=\(journal ?? "")")
        }
    }
}

extension SQLiteDatabase {
    /// Runs `body` in one transaction on the connection that writes. It is durable when this returns.
    ///
    /// A task's cancellation doesn't reach it: what was begun is finished.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await withTaskExecutorPreference(thread) {
            try LogStoreError.translating {
                try pool.writeWithoutTransaction { try Self.inTransaction($0, body) }
            }
        }
    }

    /// Does what GRDB's `inTransaction` does, which has SQLite compile two statements anew each time.
    ///
    /// - Parameter body: must throw what a statement throws: SQLite may have ended the transaction with it.
    private static func inTransaction<Value>(_ db: Database, _ body: (Database) throws -> Value) throws -> Value {
        try db.cachedStatement(sql: "BEGIN IMMEDIATE TRANSACTION").execute()
        do {
            let value = try body(db)
            try db.cachedStatement(sql: "COMMIT TRANSACTION").execute()
            return value
        } catch {
            // What failed first says more. Where SQLite has rolled back already, nothing is left to do.
            try? db.rollback()
            throw error
        }
    }

    /// Runs `body` on a snapshot of one moment.
    nonisolated(nonsending) func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { done in
            readers.submit {
                done.resume(with: Result { try LogStoreError.translating { try self.pool.read(body) } })
            }
        }
    }
}

extension LogStoreError {
    /// Turns what SQLite says into what the store's callers act on.
    static func translating<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            throw LogStoreError.noSpace
        } catch let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) {
            throw LogStoreError.damaged("The database (\(error.extendedResultCode.rawValue))")
        } catch let error as DatabaseError {
            // Its description would hold the statement's arguments.
            throw LogStoreError.unavailable(
                "SQLite: \(error.message ?? "error") (\(error.extendedResultCode.rawValue))")
        }
    }
}

package import Everyline
import GRDB
import Glibc

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A copy of a data directory's database as of one moment, in one file, taken while a server may be writing.
///
/// It is written beside its place under another name and gets its own name last, so that a file of that name is always
/// whole. A file is a backup if it holds the table `backup`, which says when it was taken; a server's database never
/// does.
package struct Backup: Sendable {
    /// Where the file stands once it is published: what is named, or what a link of that name leads to.
    package let path: String
    private let temporary: String
    private let isOverwriting: Bool

    /// How many pages of 4 KiB one step copies.
    private static let stepPages: Int = 1024

    /// Finds out whether a backup may be put there.
    ///
    /// - Parameters:
    ///   - path: the file; must not be in the data directory.
    ///   - isOverwriting: whether a backup that has the name already is replaced. Anything else is left as it is.
    /// - Throws: ``BackupError``.
    package init(at path: String, of directory: String, overwriting isOverwriting: Bool) throws {
        let path = isOverwriting ? Self.target(of: path) : path
        self.path = path
        self.isOverwriting = isOverwriting
        temporary = path + ".partial-\(getpid())"
        let parent = Self.parent(of: path)
        guard Self.identity(of: parent) != Self.identity(of: directory) else {
            throw BackupError.unusable(path, reason: "it would be in the data directory itself")
        }
        if Self.isThere(path) {
            guard isOverwriting else { throw BackupError.exists(path) }
            guard try Self.note(in: path) != nil else { throw BackupError.notReplaced(path) }
        }
    }

    /// Copies the database, into a file for its owner alone, as it is when this begins, step by step; what is written
    /// meanwhile is not in it.
    ///
    /// The write-ahead log can't begin anew while this runs: it grows by what is written meanwhile.
    /// - Parameter progress: is called after each step, with how much has been copied, of how much.
    /// - Throws: ``BackupError``.
    package func write(
        _ database: SQLiteDatabase, at now: Timestamp,
        progress: @escaping @Sendable (_ done: ByteCount, _ total: ByteCount) -> Void
    ) async throws {
        let descriptor = Glibc.open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BackupError.system(temporary) }
        close(descriptor)
        // On a thread of its own: it takes long, and a signal must be heard meanwhile.
        try await withTaskExecutorPreference(database.thread) {
            try BackupError.translating(temporary) { try copy(database, at: now, progress: progress) }
        }
    }

    private func copy(
        _ database: SQLiteDatabase, at now: Timestamp,
        progress: @escaping (_ done: ByteCount, _ total: ByteCount) -> Void
    ) throws {
        let copy = try DatabaseQueue(path: temporary)
        try copy.writeWithoutTransaction { copy in
            try database.pool.read { db in
                // Reading begins the transaction that holds the moment; without one each step would begin its own, and
                // a commit between two of them would send the copy back to its start.
                let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master")
                let size = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
                try requireSpace(pages * size)
                try db.backup(to: copy, pagesPerStep: CInt(Self.stepPages)) {
                    progress($0.completedPageCount * size, $0.totalPageCount * size)
                }
            }
            // One file, which can be read where nothing can be written.
            try copy.execute(sql: "PRAGMA journal_mode = DELETE")
            try copy.execute(
                sql: "CREATE TABLE backup (taken_ms INTEGER NOT NULL, version TEXT NOT NULL) STRICT")
            try copy.execute(
                sql: "INSERT INTO backup VALUES (?, ?)", arguments: [now.milliseconds, ReleaseVersion.current])
        }
        try copy.close()
    }

    private func requireSpace(_ bytes: ByteCount) throws {
        guard let free = DiskSpace.free(in: Self.parent(of: path)) else { return }
        guard free >= bytes else { throw BackupError.noSpace(path, needed: bytes, free: free) }
    }

    /// Reads all that was written and holds it against what must be true of it.
    ///
    /// - Throws: ``SQLiteDatabaseError``.
    package func check() async throws -> IntegrityCheck.Report {
        try await Self.check(temporary)
    }

    static func check(_ path: String) async throws -> IntegrityCheck.Report {
        let database = try SQLiteDatabase.openForReading(file: path)
        let report = await IntegrityCheck(database).run()
        try database.close()
        return report
    }

    /// Syncs the file, gives it its name, and syncs that. When this returns, the backup survives power loss.
    ///
    /// - Throws: ``BackupError``; the name of a file that has come meanwhile isn't taken.
    package func publish() throws {
        try Self.sync(temporary, O_RDONLY)
        if isOverwriting {
            guard rename(temporary, path) == 0 else { throw BackupError.system(path) }
        } else if link(temporary, path) == 0 {
            unlink(temporary)
        } else if errno == EEXIST {
            throw BackupError.exists(path)
        } else {
            // A file system without links: a USB stick's, for example.
            guard !Self.isThere(path) else { throw BackupError.exists(path) }
            guard rename(temporary, path) == 0 else { throw BackupError.system(path) }
        }
        try Self.sync(Self.parent(of: path), O_RDONLY | O_DIRECTORY)
    }

    /// Deletes what isn't published.
    package func discard() {
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(temporary + suffix) }
    }

    // MARK: Reading one

    /// When a backup was taken, and by which release.
    package struct Note: Sendable, Equatable {
        package let taken: Timestamp
        package let version: String
    }

    /// What a file says of itself; `nil` if it is no backup.
    ///
    /// - Throws: ``BackupError`` if it can't be read.
    package static func note(in path: String) throws -> Note? {
        let descriptor = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw BackupError.system(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw BackupError.system(path) }
        var magic = [UInt8](repeating: 0, count: 16)
        guard status.st_mode & S_IFMT == S_IFREG, read(descriptor, &magic, 16) == 16,
            magic == Array("SQLite format 3\0".utf8)
        else { return nil }
        var configuration = Configuration()
        configuration.readonly = true
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? queue.close() }
            return try queue.read { db in
                guard try db.tableExists("backup"), try db.tableExists("execution"),
                    let row = try Row.fetchOne(db, sql: "SELECT taken_ms, version FROM backup")
                else { return nil }
                return Note(
                    taken: try Timestamp(stored: row.stored("taken_ms")), version: try row.stored("version"))
            }
        } catch is DatabaseError {
            return nil
        } catch is LogStoreError {
            return nil
        }
    }

    // MARK: Files

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func isThere(_ path: String) -> Bool { faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 }

    /// What a path leads to, over all links; itself where nothing is.
    private static func target(of path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private static func identity(of path: String) -> [UInt64]? {
        var status = stat()
        return stat(path, &status) == 0 ? [UInt64(status.st_dev), UInt64(status.st_ino)] : nil
    }

    static func sync(_ path: String, _ flags: Int32) throws {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw BackupError.system(path) }
        defer { close(descriptor) }
        // Some file systems sync no directories, which they say so.
        guard fsync(descriptor) == 0 || (errno == EINVAL && flags & O_DIRECTORY != 0) else {
            throw BackupError.system(path)
        }
    }
}

/// Why a backup can't be taken or put back.
package enum BackupError: Error, Equatable, CustomStringConvertible {
    case exists(String)
    /// What has the name is no backup.
    case notReplaced(String)
    case notABackup(String)
    case newerVersion(String, version: String)
    case noSpace(String, needed: ByteCount, free: ByteCount)
    case notEmpty(String, holds: String)
    case faulty(String, faults: [String])
    case unusable(String, reason: String)

    package var description: String {
        switch self {
        case .exists(let path): "\(path) is there already; --overwrite replaces a backup"
        case .notReplaced(let path): "\(path) is no backup and is left as it is; say another name"
        case .notABackup(let path): "\(path) is no file that `everyline backup` has written"
        case .newerVersion(let path, let version):
            "\(path) was written by a newer Everyline (\(version)); restore it with that one"
        case .noSpace(let path, let needed, let free):
            "\(path) would take \(needed >> 20) MiB, and \(free >> 20) MiB are free there"
        case .notEmpty(let directory, let name):
            "\(directory) holds \(name): nothing was changed. Restore into an empty directory, or move what it holds elsewhere"
        case .faulty(let path, let faults):
            "\(path) is damaged, and nothing was restored (--accept-faults does it all the same): "
                + faults.prefix(3).joined(separator: "; ")
        case .unusable(let path, let reason): "\(path) can't be used: \(reason)"
        }
    }

    static func system(_ path: String) -> BackupError { .unusable(path, reason: String(cString: strerror(errno))) }

    static func translating<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            throw BackupError.unusable(path, reason: "its disk is full")
        } catch let error as DatabaseError {
            throw BackupError.unusable(
                path, reason: "SQLite: \(error.message ?? "error") (\(error.extendedResultCode.rawValue))")
        }
    }
}

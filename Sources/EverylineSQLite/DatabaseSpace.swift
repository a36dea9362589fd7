package import Everyline
import GRDB
import Glibc

extension SQLiteDatabase {
    /// Where the bytes of a database are.
    package struct Space: Sendable {
        /// What its files take on the disk, with the write-ahead log.
        package let files: ByteCount
        /// What the database itself takes.
        package let pages: ByteCount
        /// How much of that is free for new logs.
        package let free: ByteCount
        /// Whether what is free can be given back to the disk step by step (``Retention``): in a database that was made
        /// so, or has been compacted.
        package let isGivenBack: Bool
    }

    /// Measures the database.
    ///
    /// - Throws: ``LogStoreError``.
    package func space() async throws -> Space {
        var files: ByteCount = 0
        for suffix in ["", "-wal", "-shm"] {
            var status = stat()
            if stat(pool.path + suffix, &status) == 0 { files += ByteCount(status.st_blocks) * 512 }
        }
        return try await read { [files] db in
            let size = try ByteCount.fetchOne(db, sql: "PRAGMA page_size") ?? 0
            return Space(
                files: files, pages: size * (try ByteCount.fetchOne(db, sql: "PRAGMA page_count") ?? 0),
                free: size * (try ByteCount.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0),
                isGivenBack: try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") == 2)
        }
    }

    /// Writes back what is in the write-ahead log, as far as no reader needs it. The database's file gets its size
    /// then.
    ///
    /// - Throws: ``LogStoreError``.
    func checkpoint() async throws {
        try await withTaskExecutorPreference(thread) {
            try LogStoreError.translating {
                _ = try pool.writeWithoutTransaction { try $0.checkpoint(.passive) }
            }
        }
    }

    /// Rewrites the database without what is free, so that from then on it can be given back step by step. Nothing is
    /// lost if it is interrupted.
    ///
    /// It takes as long as reading and writing everything twice, and room for as much beside it.
    /// - Throws: ``SQLiteDatabaseError``; ``LogStoreError``.
    package func compact() async throws {
        let directory = String(pool.path.dropLast(Self.fileName.utf8.count + 1))
        let space = try await space()
        let needed = 2 * (space.pages - space.free)
        if let free = DiskSpace.free(in: directory), free < needed {
            throw SQLiteDatabaseError.unusable(
                directory, reason: "it needs \(needed >> 20) MiB on its disk, and \(free >> 20) MiB are free there")
        }
        try await withTaskExecutorPreference(thread) {
            try SQLiteDatabaseError.translating(directory) {
                try pool.writeWithoutTransaction { db in
                    try db.execute(sql: "VACUUM")
                    try db.checkpoint(.truncate)
                }
            }
        }
    }
}

enum DiskSpace {
    /// How much a user may still write where a directory lies; `nil` if that isn't known.
    static func free(in directory: String) -> ByteCount? {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return nil }
        return ByteCount(clamping: status.f_bavail.multipliedReportingOverflow(by: status.f_frsize).partialValue)
    }
}

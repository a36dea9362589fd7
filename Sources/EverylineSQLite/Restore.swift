package import Everyline
import GRDB
import Glibc

/// Puts a backup into a data directory that no server works with and that holds no database.
///
/// The directory gets its database whole, checked and synced, or none. Runners' directories that are there stay: their
/// commands go on.
package final class Restore: Sendable {
    private let file: String
    private let directory: String
    private let lock: DirectoryLock
    private let descriptor: Int32
    private let size: ByteCount
    /// What the backup says of itself.
    package let note: Backup.Note

    private var temporary: String { directory + "/" + SQLiteDatabase.fileName + ".restoring" }

    /// How many bytes are copied at once.
    private static let step: ByteCount = .mebibytes(4)

    /// What may be in the directory: the lock itself, the administrator's key, runners and the way to them, and what a
    /// restore that was broken off has left.
    private static let allowed: Set<String> = [
        "lock", "admin.key", "runners", "runner.sock", "runner.sock.d", SQLiteDatabase.fileName + ".restoring",
        SQLiteDatabase.fileName + ".restoring-journal",
    ]
    /// What stands in the way in a data directory, apart from what is nothing of a server's.
    private static let inTheWay: Set<String> = Set(["", "-wal", "-shm"].map { SQLiteDatabase.fileName + $0 })

    /// Takes the directory for this process; makes it (0700) if need be.
    ///
    /// - Throws: ``BackupError``; ``SQLiteDatabaseError/inUse(_:)`` if a server works with the directory.
    package init(_ file: String, into directory: String) throws {
        self.file = file
        self.directory = directory
        guard let note = try Backup.note(in: file) else { throw BackupError.notABackup(file) }
        self.note = note
        // A directory of something else isn't even locked, which would leave a file in it.
        if Backup.isThere(directory) { try Self.requireEmpty(directory, but: Self.inTheWay) }
        lock = try DirectoryLock(directory)
        do {
            try Self.requireEmpty(directory)
            (descriptor, size) = try Self.open(file)
        } catch {
            lock.undo()
            throw error
        }
    }

    private static func open(_ file: String) throws -> (descriptor: Int32, size: ByteCount) {
        let descriptor = Glibc.open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw BackupError.system(file) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            close(descriptor)
            throw BackupError.system(file)
        }
        return (descriptor, ByteCount(status.st_size))
    }

    private static func requireEmpty(_ directory: String, but others: Set<String> = []) throws {
        let name = try names(directory).sorted().first { !allowed.contains($0) && !others.contains($0) }
        if let name { throw BackupError.notEmpty(directory, holds: name) }
    }

    deinit { close(descriptor) }

    /// Copies the backup into the directory, under another name than a server opens.
    ///
    /// - Parameter progress: is called after each step, with how much has been copied, of how much.
    /// - Throws: ``BackupError``.
    package func copy(progress: @Sendable (_ done: ByteCount, _ total: ByteCount) -> Void) async throws {
        removeCopy()
        let target = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard target >= 0 else { throw BackupError.system(temporary) }
        defer { close(target) }
        try giveToOwner(target)
        var buffer = [UInt8](repeating: 0, count: Self.step)
        var done = 0
        while true {
            let count = pread(descriptor, &buffer, buffer.count, off_t(done))
            guard count >= 0 else { throw BackupError.system(file) }
            if count == 0 { break }
            var written = 0
            while written < count {
                let taken = buffer.withUnsafeBytes {
                    write(target, $0.baseAddress?.advanced(by: written), count - written)
                }
                guard taken > 0 else { throw BackupError.system(temporary) }
                written += taken
            }
            done += count
            progress(done, size)
            await Task.yield()
        }
    }

    /// An administrator restores for the user to whom the directory belongs.
    private func giveToOwner(_ file: Int32) throws {
        var status = stat()
        guard geteuid() == 0, stat(directory, &status) == 0 else { return }
        guard fchown(file, status.st_uid, status.st_gid) == 0,
            // The directory is another user's: a link in it may lead anywhere.
            lchown(directory + "/lock", status.st_uid, status.st_gid) == 0
        else { throw BackupError.system(directory) }
    }

    /// Checks the copy, makes a server's database of it, and gives it its name, durably.
    ///
    /// - Parameter acceptsFaults: whether a backup in which the check finds faults is restored all the same.
    /// - Returns: what the check found.
    /// - Throws: ``BackupError``.
    package func finish(acceptingFaults acceptsFaults: Bool) async throws -> IntegrityCheck.Report {
        try change { try migrate($0) }
        let report = try await Backup.check(temporary)
        guard report.faults.isEmpty || acceptsFaults else {
            throw BackupError.faulty(file, faults: report.faults)
        }
        // A server's database is no backup, and another life of its data begins.
        try change { copy in
            try copy.write { db in
                try db.execute(sql: "DROP TABLE backup")
                _ = try SQLiteDatabase.markRestored(in: db)
            }
        }
        try Backup.sync(temporary, O_RDONLY)
        guard rename(temporary, directory + "/" + SQLiteDatabase.fileName) == 0 else {
            throw BackupError.system(directory)
        }
        try Backup.sync(directory, O_RDONLY | O_DIRECTORY)
        lock.release()
        return report
    }

    private func change(_ body: (DatabaseQueue) throws -> Void) throws {
        try BackupError.translating(temporary) {
            let copy = try DatabaseQueue(path: temporary)
            try body(copy)
            try copy.close()
        }
    }

    /// An older Everyline may have written it.
    private func migrate(_ copy: DatabaseQueue) throws {
        if try copy.read(Schema.migrator.hasBeenSuperseded) {
            throw BackupError.newerVersion(file, version: note.version)
        }
        try Schema.migrator.migrate(copy)
    }

    /// Leaves the directory as it was before.
    package func discard() {
        removeCopy()
        lock.undo()
    }

    /// Deletes what this process, or one that was broken off, has copied and not finished.
    private func removeCopy() {
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(temporary + suffix) }
    }

    private static func names(_ path: String) throws -> [String] {
        guard let stream = opendir(path) else { throw BackupError.system(path) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}

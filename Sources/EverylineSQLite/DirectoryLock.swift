import Glibc
import Synchronization

/// A process's claim to a directory, which ends with the process, however it ends: advisory locks on the directory
/// itself and on its file `lock`. The file can be deleted, and a network file system may lock no directories.
package final class DirectoryLock: Sendable {
    private let descriptors: Mutex<[Int32]>
    private let directory: String
    /// Whether the directory, and its file, weren't there before.
    private let isNew: (directory: Bool, file: Bool)

    /// Makes the directory (0700) if need be, and takes it.
    ///
    /// - Throws: ``SQLiteDatabaseError/inUse(_:)`` if another process has it.
    package init(_ directory: String) throws {
        self.directory = directory
        isNew = (access(directory, F_OK) != 0, access(directory + "/lock", F_OK) != 0)
        try Self.makeDirectory(directory)
        descriptors = Mutex([])
        try take(directory, directory + "/lock", O_RDWR | O_CREAT)
        try take(directory, directory, O_RDONLY | O_DIRECTORY)
    }

    private func take(_ directory: String, _ path: String, _ flags: Int32) throws {
        // Close-on-exec, or a command that is started would keep the lock.
        let descriptor = open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SQLiteDatabaseError.unusable(directory, reason: Self.lastError(path)) }
        descriptors.withLock { $0.append(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return }
        if errno == EWOULDBLOCK { throw SQLiteDatabaseError.inUse(directory) }
        guard flags & O_DIRECTORY != 0 else {
            throw SQLiteDatabaseError.unusable(directory, reason: Self.lastError(path))
        }
    }

    deinit { release() }

    package func release() {
        for descriptor in descriptors.withLock({ held in
            defer { held = [] }
            return held
        }) {
            // Closing alone isn't enough: a process that is just being started may still have a copy, until it
            // executes.
            flock(descriptor, LOCK_UN)
            close(descriptor)
        }
    }

    /// Gives the directory up and leaves it as it was before.
    package func undo() {
        // While it is held: another process that makes the file anew is refused by the directory's own lock.
        if isNew.file { unlink(directory + "/lock") }
        if isNew.directory { rmdir(directory) }
        release()
    }

    /// The data holds the output of all users, so only its owner may enter the directory.
    private static func makeDirectory(_ directory: String) throws {
        var path = directory.hasPrefix("/") ? "/" : ""
        for part in directory.split(separator: "/") {
            path += (path.isEmpty || path.hasSuffix("/") ? "" : "/") + part
            guard mkdir(path, 0o700) != 0, errno != EEXIST else { continue }
            // A parent that can't be made may still be there, on a file system that may not be written.
            guard access(path, X_OK) == 0 else {
                throw SQLiteDatabaseError.unusable(directory, reason: lastError(path))
            }
        }
    }

    private static func lastError(_ path: String) -> String { "\(path): \(String(cString: strerror(errno)))" }
}
